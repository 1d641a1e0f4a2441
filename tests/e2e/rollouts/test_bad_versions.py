"""Bad versions are taken back without a person, and nobody else's request is lost."""

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.timeline import Timeline
from tests.e2e import breakdown
from tests.e2e.gateway import Endpoint
from tests.e2e.rollouts.watched import Watched
from tests.e2e.traffic import Load, Traffic, lost
from tests.e2e.waiting import until
from tests.e2e.workspace import Workspace

TAKEN_BACK_S = 300.0
AT_THE_GATEWAY_S = 10.0
LOOKS_S = 8.0


@dataclass(frozen=True)
class Bad:
    """A version that is bad in its own way.

    Args:
        behaviour: Of the stand-in.
        words: What the reason has to name, one of them: what is seen first decides.
        reaches_people: Whether it gets traffic before anybody can know.
        spec: More of the rollout's.
    """

    behaviour: dict[str, object]
    words: tuple[str, ...]
    reaches_people: bool = True
    spec: dict[str, Any] = field(default_factory=dict)


BAD = {
    "errors": Bad({"fail_share": 0.05}, ("errors",)),
    "storm": Bad({"fail_share": 0.9}, ("of the canary's answers",)),
    "slow": Bad({"stall_share": 0.3, "stall_s": 1.5}, ("ttft",)),
    "crash": Bad({"crash": True}, ("crash",), reaches_people=False),
    "never-ready": Bad(
        {"ready_after_s": "inf"}, ("ready",), False, {"progressDeadlineSeconds": 20}
    ),
    # The kernel ends it, or the requests that it lost by that are: too many at once, or in all.
    "leak": Bad({"leak_bytes": 8_000_000}, ("OOMKilled", "errors", "of the canary's answers")),
}


@pytest.fixture(scope="module")
def watched(workspace: Workspace, controllers: None) -> Watched:
    """Version 1, whose every change is judged."""
    return Watched(workspace, "bad")


@pytest.fixture(scope="module")
def endpoint(watched: Watched) -> Endpoint:
    """Where people ask; KServe calls it not ready while its newest version is broken."""
    return watched.deploy()


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_version_is_taken_back(
    watched: Watched, endpoint: Endpoint, kind: str, request: pytest.FixtureRequest
) -> None:
    bad = BAD[kind]
    watched.enrol(**bad.spec)
    with Traffic(endpoint, Load(rate=25)) as traffic:
        applied = watched.change(kind, **bad.behaviour)
        over = watched.rolled_out(TAKEN_BACK_S)
    assert over.phase is Phase.ROLLED_BACK, over.reason
    assert any(word in over.reason for word in bad.words), over.reason
    decided = until("the end in the timeline", lambda: given_up_at(watched.timeline()), 20)
    met = [each for each in traffic.exchanges if each.version == kind]
    assert bool(met) is bad.reaches_people
    last = max((each.sent for each in met), default=decided)
    assert last - decided < AT_THE_GATEWAY_S
    others = [each for each in lost(traffic.exchanges) if each.version == "1"]
    assert not others, [str(each) for each in others][:5]
    breakdown.say(
        request.config,
        f"{kind}: taken back {decided - applied:.0f} s after it was applied, "
        f"{len(met)} of {len(traffic.exchanges)} requests met it, the last one "
        f"{max(0.0, last - decided):.1f} s after the decision; {over.reason}",
    )


def given_up_at(timeline: Timeline) -> float | None:
    """When the canary was given up, on the wall clock."""
    ends = {Phase.ROLLING_BACK, Phase.ROLLED_BACK}
    return next((each.at.timestamp() for each in timeline.points if each.phase in ends), None)


def test_the_same_bad_version_is_not_tried_again(watched: Watched) -> None:
    before = watched.status()
    last = list(BAD)[-1]
    watched.change(last, **BAD[last].behaviour)
    time.sleep(LOOKS_S)
    after = watched.status()
    assert after.phase is Phase.ROLLED_BACK
    assert after.started_at == before.started_at
