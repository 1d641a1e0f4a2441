"""A good version goes all the way, a bad one comes back."""

from dataclasses import replace

from pilotlight.api.rollout_status import Component, Phase
from tests.unit.canary.policy.judges import PlainJudge
from tests.unit.canary.policy.world import V2, world

OLD, NEW = "predictor-00001", "predictor-00002"


def test_a_good_version_is_promoted_and_the_old_one_released_after_its_window() -> None:
    here = world(judge=PlainJudge())
    here.apply(V2)
    here.until(Phase.PROGRESSING)
    assert here.part.traffic[OLD] == 100
    here.until(Phase.WATCHING)
    assert here.part.traffic == {NEW: 100}
    assert here.version(OLD).ready == 3, "the old one keeps its capacity"
    here.until(Phase.SUCCEEDED)
    assert not here.status.floors
    assert not here.routes
    assert here.status.components[Component.PREDICTOR].stable == NEW
    reasons = [one.reason for one in here.said]
    assert reasons.count("StepStarted") == 4
    assert {"NewVersion", "Promoting", "Promoted", "Succeeded"} <= set(reasons)


def test_a_good_version_is_promoted_by_the_real_statistics() -> None:
    here = world(analysis={"metrics": [{"name": "errors"}]})
    here.apply(V2)
    here.until(Phase.SUCCEEDED)
    assert here.status.history[-1].outcome is Phase.SUCCEEDED


def test_a_version_with_errors_is_taken_back_and_not_tried_again() -> None:
    here = world()
    here.apply(replace(V2, error_ratio=0.05))
    here.until(Phase.ROLLED_BACK)
    assert here.part.traffic[OLD] == 100
    assert here.status.components[Component.PREDICTOR].rejected == "hash-v2"
    assert "errors" in here.status.reason
    here.run(1200)
    assert here.status.phase is Phase.ROLLED_BACK
    assert not here.status.floors
    assert not here.routes
