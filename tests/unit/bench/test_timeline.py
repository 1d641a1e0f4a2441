"""From what a pod's status says to where the time of its start went."""

import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.kube.document import Document, Kind
from pilotlight_bench.cluster.timeline import Milestone, PodWatch, Timeline, reached

ORDER = tuple(Milestone)
CONDITIONS = {
    Milestone.SCHEDULED: "PodScheduled",
    Milestone.SANDBOX: "PodReadyToStartContainers",
    Milestone.READY: "Ready",
}


def pod(*milestones: Milestone, name: str = "a") -> dict[str, Any]:
    conditions = [
        {"type": type_, "status": "True" if milestone in milestones else "False"}
        for milestone, type_ in CONDITIONS.items()
    ]
    state: dict[str, Any] = {"running": {}} if Milestone.STARTED in milestones else {"waiting": {}}
    statuses = [
        {"name": "queue-proxy", "state": {"running": {}}},
        {"name": "kserve-container", "state": state},
    ]
    status = {"conditions": conditions, "containerStatuses": statuses}
    return {"metadata": {"name": name}, "status": status}


def test_each_milestone_is_read_from_the_pods_own_status() -> None:
    for count in range(1, len(ORDER) + 1):
        assert reached(pod(*ORDER[:count])) == set(ORDER[:count])


def test_a_pod_without_a_status_is_only_created() -> None:
    assert reached({"metadata": {"name": "a"}}) == {Milestone.CREATED}


def test_a_milestone_counts_from_when_it_was_first_seen() -> None:
    timeline = Timeline()
    for now, count in ((1.0, 1), (1.5, 2), (2.0, 2), (4.0, 4), (9.0, 5)):
        timeline.look(pod(*ORDER[:count]), now)
    phases = timeline.breakdown(asked=0.5, first_token=10.0)
    assert phases == pytest.approx(
        {
            "scale_up": 0.5,
            "schedule": 0.5,
            "sandbox": 2.5,
            "container": 0.0,
            "boot": 5.0,
            "answer": 1.0,
        }
    )


def test_what_was_never_seen_is_left_out_and_its_time_is_not_lost() -> None:
    timeline = Timeline({Milestone.CREATED: 1.0, Milestone.READY: 5.0})
    assert timeline.breakdown(0.0, 6.0) == {"scale_up": 1.0, "boot": 4.0, "answer": 1.0}


times = st.floats(0, 1000)


@given(st.dictionaries(st.sampled_from(ORDER), times), times, times)
def test_no_phase_is_negative_and_they_add_up(
    seen: dict[Milestone, float], asked: float, more: float
) -> None:
    phases = Timeline(seen).breakdown(asked, asked + more)
    assert all(seconds >= 0 for seconds in phases.values())
    assert sum(phases.values()) == pytest.approx(more, abs=1e-6)


class Pods:
    """A cluster that has other pods at each look; the last ones stay."""

    def __init__(self, looks: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        self._looks = itertools.chain(looks, itertools.repeat(looks[-1]))
        self._left = len(looks)
        self.all_seen = threading.Event()

    def list(self, kind: Kind, namespace: str | None = None, *, labels: str = "") -> list[Document]:
        assert labels == "serving.kserve.io/inferenceservice=service"
        self._left -= 1
        if self._left < 0:
            self.all_seen.set()
        return [dict(each) for each in next(self._looks)]


def test_old_pods_are_not_watched_and_the_first_ready_one_counts() -> None:
    old = pod(*ORDER, name="old")
    slow, quick = pod(Milestone.CREATED, name="slow"), pod(*ORDER, name="quick")
    pods = Pods([[old], [old, slow], [old, slow, quick]])
    with PodWatch(pods, "default", "service") as watch:  # type: ignore[arg-type]  # lists alone
        assert pods.all_seen.wait(5)
    assert set(watch.timelines) == {"slow", "quick"}
    assert watch.first is watch.timelines["quick"]


def test_it_looks_on_until_the_pod_is_ready() -> None:
    nearly, ready = pod(*ORDER[:4]), pod(*ORDER)
    pods = Pods([[], [nearly], [nearly], [ready]])
    with PodWatch(pods, "default", "service") as watch:  # type: ignore[arg-type]  # lists alone
        watch.wait_ready()
        assert Milestone.READY in watch.first.seen


def test_a_pod_that_is_never_ready_is_not_waited_for_for_ever() -> None:
    pods = Pods([[], [pod(*ORDER[:4])]])
    with PodWatch(pods, "default", "service") as watch:  # type: ignore[arg-type]  # lists alone
        watch.wait_ready(timeout_s=0.3)
    assert Milestone.READY not in watch.first.seen
