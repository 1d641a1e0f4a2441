"""What is never waited for: containers that do not stay up."""

from datetime import UTC, datetime

import pytest

from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.rollout_status import Component, InferenceRolloutStatus
from pilotlight_canary.observation import Observation, Pods, Revision, Service
from pilotlight_canary.policy.limits import crashing
from pilotlight_canary.policy.look import Look
from tests.unit.canary.policy.judges import PlainJudge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = "exit code 7: told to crash"


def look(pods: Pods) -> Look:
    canary = Revision("chat-2", Component.PREDICTOR, NOW, pods=pods)
    service = Service("chat", "models", "u", "1", True, "Knative", {}, {canary.name: canary})
    status = InferenceRolloutStatus(canary_revision=canary.name)
    return Look(RolloutPolicy(), status, Observation(service), NOW, PlainJudge())


@pytest.mark.parametrize(
    ("crash", "why"),
    [("", ENDED), (f"CrashLoopBackOff: {ENDED}", f"CrashLoopBackOff: {ENDED}")],
    ids=["runs-again", "waits"],
)
def test_too_many_restarts_say_how_it_ended_whatever_it_does_now(crash: str, why: str) -> None:
    found = crashing(look(Pods(total=1, restarts=4, crash=crash, ended=ENDED)))
    assert found == f"the canary's containers were restarted 4 times ({why}), 3 are allowed"


def test_as_many_restarts_as_are_allowed_are_none_too_many() -> None:
    assert not crashing(look(Pods(total=1, restarts=3, ended=ENDED)))
