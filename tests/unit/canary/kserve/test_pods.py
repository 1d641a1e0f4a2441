"""What is said of a revision's pods, and of the revision."""

from typing import Any

import pytest

from pilotlight.api.rollout_status import Component
from pilotlight.kserve.names import fitting
from pilotlight.kserve.split import split_of
from pilotlight.kube.document import Document
from pilotlight_canary.kserve.names import route_name
from pilotlight_canary.kserve.pods import by_revision, pods_of
from pilotlight_canary.kserve.revision import revision_of
from pilotlight_canary.observation import Readiness, Role

MADE = "2026-11-21T10:00:00Z"


def pod(*conditions: tuple[str, str, str], **container: Any) -> Document:
    found = [
        {"type": type_, "status": status, "reason": reason, "message": "0/1 nodes are available"}
        for type_, status, reason in conditions
    ]
    return {"metadata": {}, "status": {"conditions": found, "containerStatuses": [container]}}


def revision(status: str, reason: str = "", message: str = "") -> Document:
    entry = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return {
        "metadata": {"name": "r", "creationTimestamp": MADE, "generation": 1},
        "status": {"observedGeneration": 1, "conditions": [entry]},
    }


def test_a_crash_says_how_it_ended() -> None:
    found = pods_of(
        [
            pod(
                restartCount=4,
                state={"waiting": {"reason": "CrashLoopBackOff"}},
                lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            )
        ]
    )
    assert found.crash == "CrashLoopBackOff: OOMKilled, exit code 137"
    assert (found.total, found.ready, found.restarts) == (1, 0, 4)


def test_a_container_that_runs_again_does_not_crash_and_says_how_it_did() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    found = pods_of([pod(restartCount=1, state={"running": {}}, lastState=ended)])
    assert (found.crash, found.restarts) == ("", 1)
    assert found.ended == "OOMKilled, exit code 137"


def test_a_pod_without_a_node_says_so_in_the_schedulers_words() -> None:
    found = pods_of([pod(("PodScheduled", "False", "Unschedulable"))])
    assert found.unschedulable == "Unschedulable: 0/1 nodes are available"


def test_pods_that_end_or_are_deleted_are_not_counted() -> None:
    leaving = pod() | {"metadata": {"deletionTimestamp": MADE}}
    evicted = {"metadata": {}, "status": {"phase": "Failed"}}
    assert not by_revision([leaving, evicted])


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("ProgressDeadlineExceeded", "Initial scale was never achieved"),
        ("ContainerMissing", "Unable to fetch image"),
        ("ExitCode7", "Container failed with: no model"),
        ("FailedCreate", "violates PodSecurity"),
    ],
)
def test_a_revision_that_does_not_come_up_has_failed(reason: str, message: str) -> None:
    found = revision_of(revision("False", reason, message), Component.PREDICTOR, ())
    assert found.readiness is Readiness.FAILED
    assert found.message == f"{reason}: {message}"


@pytest.mark.parametrize(
    ("reason", "message"),
    [("Unschedulable", "0/1 nodes"), ("FailedCreate", 'pods "x" is forbidden: exceeded quota: q')],
)
def test_a_revision_without_room_has_not_failed(reason: str, message: str) -> None:
    found = revision_of(revision("False", reason, message), Component.PREDICTOR, ())
    assert found.readiness is Readiness.UNKNOWN
    assert message in found.pods.unschedulable


def test_a_deadline_that_passes_while_there_is_no_node_is_no_failure() -> None:
    waiting = [pod(("PodScheduled", "False", "Unschedulable"))]
    document = revision("False", "ProgressDeadlineExceeded")
    assert revision_of(document, Component.PREDICTOR, waiting).readiness is Readiness.UNKNOWN


def test_a_condition_of_an_older_generation_says_nothing() -> None:
    document = revision("True")
    document["metadata"]["generation"] = 2
    assert revision_of(document, Component.PREDICTOR, ()).readiness is Readiness.UNKNOWN


def route(assigned: str, ready: str) -> Document:
    conditions = [
        {"type": "AllTrafficAssigned", "status": assigned},
        {"type": "Ready", "status": ready},
    ]
    traffic = [
        {"revisionName": "b", "latestRevision": True, "percent": 10},
        {"revisionName": "a", "percent": 90},
    ]
    return {"status": {"conditions": conditions, "traffic": traffic}}


@pytest.mark.parametrize(
    ("assigned", "ready", "is_known"),
    [
        ("True", "True", True),
        ("True", "Unknown", False),
        # Knative leaves the gateway as it was while a revision is not ready.
        ("False", "False", True),
        ("Unknown", "Unknown", True),
    ],
)
def test_the_split_is_known_unless_the_gateway_changes_over(
    assigned: str, ready: str, *, is_known: bool
) -> None:
    assert split_of(route(assigned, ready)) == ({"b": 10, "a": 90} if is_known else {})


def test_names_fit_into_a_label_and_stay_apart() -> None:
    long = "a" * 80
    names = {fitting(long), fitting(long + "b"), route_name(long, Role.CANARY)}
    assert len(names) == 3
    assert all(len(name) <= 63 for name in names)
    assert route_name("chat", Role.STABLE) == "chat-stable"
