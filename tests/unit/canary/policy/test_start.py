"""How a rollout begins: what is held, what is recorded, what slips past."""

from dataclasses import replace
from typing import Any

import pytest

from pilotlight.api.rollout_status import Component, Phase, TaskState
from pilotlight_canary.observation import Action, Role, TaskResult
from tests.unit.canary.policy.judges import PlainJudge
from tests.unit.canary.policy.platform import Template
from tests.unit.canary.policy.world import V1, V2, V3, World, world

OLD, NEW, THIRD = "predictor-00001", "predictor-00002", "predictor-00003"
PREDICTOR, TRANSFORMER = Component.PREDICTOR, Component.TRANSFORMER


def good(**spec: Any) -> World:
    return world(judge=PlainJudge(), **spec)


def test_stable_is_recorded_before_anything_changes() -> None:
    here = good()
    assert here.status.components[PREDICTOR].stable == OLD
    assert here.status.phase is Phase.IDLE
    assert not here.desired.percents


def test_a_hold_that_kserve_takes_for_a_rollback_moves_no_traffic() -> None:
    here = good(rollback_window_seconds=0)
    here.apply(V2)
    here.until(Phase.SUCCEEDED)
    here.races = True
    here.apply(V3)
    here.each_second.append(lambda it: _has(it, NEW, 100))
    here.until(Phase.WARMING)
    assert here.status.stable_revision == NEW


def test_no_share_is_written_before_there_is_a_new_revision() -> None:
    here = good()
    here.apply(V2)
    here.look()
    assert here.status.phase is Phase.HELD
    assert not here.desired.percents, "with nothing new, below 100 means: the version before"
    here.until(Phase.WARMING)
    assert here.desired.percents == {PREDICTOR: 0}


def test_kserves_lost_stable_revision_is_told_to_it_again() -> None:
    here = good()
    here.apply(V2)
    here.until(Phase.WARMING)
    here.part.rolled_out = NEW
    here.look()
    assert here.desired.rolled_out == {PREDICTOR: OLD}
    assert here.part.rolled_out == OLD


def test_a_change_within_the_rollback_window_starts_from_what_was_promoted() -> None:
    here = good()
    here.apply(V2)
    here.until(Phase.WATCHING)
    here.races = True
    here.apply(V3)
    here.run(15)
    assert here.status.stable_revision == NEW
    assert here.part.traffic[NEW] == 100
    assert here.version(NEW).ready == here.load
    assert here.status.history[-1].outcome is Phase.SUCCEEDED


def test_a_change_past_the_webhook_is_caught_while_it_is_not_ready() -> None:
    here = good()
    here.apply(V2, held=False)
    here.each_second.append(lambda it: _has(it, OLD, 95))
    here.until(Phase.WARMING)
    assert here.part.percent == 0
    assert here.status.canary_revision == NEW


def test_without_a_webhook_a_user_who_writes_zero_gets_a_rollout() -> None:
    here = good()
    here.apply(V2, held=False, percent=0)
    here.until(Phase.SUCCEEDED)
    assert here.part.traffic == {NEW: 100}


def test_what_got_everything_without_being_held_is_reported_and_becomes_stable() -> None:
    here = good()
    here.away_until = here.now.replace(hour=23)
    here.apply(replace(V2, cold_start_s=1), held=False)
    here.run(30)
    here.look()
    assert here.status.components[PREDICTOR].stable == NEW
    assert here.status.phase is Phase.IDLE
    assert len(here.heard("UnheldRevision")) == 1
    here.look()
    assert len(here.heard("UnheldRevision")) == 1
    assert [(one.type, one.status) for one in here.status.conditions] == [
        ("UnheldRevision", "True")
    ]
    here.away_until = here.now
    here.apply(V3)
    here.until(Phase.WARMING)
    assert [one.status for one in here.status.conditions] == ["False"]


def test_what_slipped_past_while_nobody_looked_is_stable_for_the_next_hold() -> None:
    here = good()
    here.away_until = here.now.replace(hour=23)
    here.apply(replace(V2, cold_start_s=1), held=False)
    here.run(60)
    here.apply(V3)
    here.run(5)
    here.look()
    assert here.status.stable_revision == NEW
    assert here.status.canary_revision == THIRD
    assert here.part.traffic[NEW] == 100


def test_what_took_everything_while_nobody_looked_is_not_left_for_a_cold_stable() -> None:
    here = good()
    here.apply(V2)
    here.until(Phase.WARMING)
    here.away_until = here.now.replace(hour=23)
    here.apply(V3, held=False, percent=100)
    here.run(120)
    here.version(OLD).pods.clear()
    here.look()
    assert here.status.phase is Phase.IDLE
    assert here.status.components[PREDICTOR].stable == THIRD
    assert not here.desired.percents


def test_a_new_change_starts_again_at_zero_and_inherits_no_share() -> None:
    here = good(analysis={"step_weights": [25, 50]})
    here.apply(V2)
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 25)
    here.apply(V3)
    here.each_second.append(lambda it: _has(it, OLD, 100) if it.status.weight == 0 else None)
    here.run(15)
    assert here.status.canary_revision == THIRD
    assert here.status.stable_revision == OLD
    assert here.status.weight == 0
    assert not here.status.evidence
    assert here.part.traffic[OLD] == 100
    assert here.heard("Superseded")
    here.until(Phase.SUCCEEDED)
    assert here.part.traffic == {THIRD: 100}


def test_the_same_bad_version_is_not_tried_again_until_it_changes() -> None:
    here = good()
    bad = replace(V2, error_ratio=0.9)
    here.apply(bad)
    here.until(Phase.ROLLED_BACK)
    here.apply(V1)
    here.run(5)
    here.apply(bad)
    here.run(400)
    assert here.status.phase is Phase.ROLLED_BACK
    assert here.part.traffic[here.status.stable_revision] == 100
    here.apply(V3)
    here.until(Phase.SUCCEEDED)


def test_retry_tries_a_rejected_version_once_more() -> None:
    here = good()
    here.apply(replace(V2, error_ratio=0.9))
    here.until(Phase.ROLLED_BACK)
    here.ask(Action.RETRY)
    here.until(Phase.HELD, Phase.WARMING)
    assert here.status.canary_revision == NEW


def test_stables_own_template_needs_no_analysis_when_it_comes_back() -> None:
    here = good(rollback_window_seconds=0)
    here.apply(V2)
    here.until(Phase.SUCCEEDED)
    here.apply(replace(V3, error_ratio=0.9))
    here.until(Phase.ROLLED_BACK)
    steps = len(here.heard("StepStarted"))
    here.apply(V2)
    here.until(Phase.SUCCEEDED)
    assert here.part.traffic == {"predictor-00004": 100}
    assert len(here.heard("StepStarted")) == steps


def test_the_same_template_rendered_anew_is_analysed() -> None:
    here = good(rollback_window_seconds=0)
    here.apply(V2)
    here.until(Phase.SUCCEEDED)
    edited = Template("v2, with another runtime")
    here.apply(edited, held=False)
    assert here.part.mark == "hash-v2"
    steps = len(here.heard("StepStarted"))
    here.until(Phase.PROMOTING)
    assert len(here.heard("StepStarted")) == steps + 4


def test_predictor_goes_first_and_the_transformer_waits_at_zero() -> None:
    here = both()
    here.apply(V2)
    here.apply(V2, TRANSFORMER)
    here.until(Phase.WATCHING)
    assert here.status.component is PREDICTOR
    assert here.parts[TRANSFORMER].traffic == {"transformer-00001": 100, "transformer-00002": 0}
    here.run(1500, until=lambda it: it.status.component is TRANSFORMER)
    here.until(Phase.SUCCEEDED)
    assert here.parts[TRANSFORMER].traffic == {"transformer-00002": 100}
    assert here.parts[PREDICTOR].traffic == {NEW: 100}


def test_a_waiting_transformer_whose_hold_came_late_gives_the_traffic_back() -> None:
    here = both()
    here.apply(V2)
    here.apply(V2, TRANSFORMER)
    here.until(Phase.WARMING)
    transformer = here.parts[TRANSFORMER]
    transformer.previous, transformer.rolled_out = transformer.rolled_out, "transformer-00002"
    here.look()
    assert not here.heard("UnheldRevision")
    assert here.status.components[TRANSFORMER].stable == "transformer-00001"
    assert transformer.rolled_out == "transformer-00001"


def test_a_transformer_is_not_tried_when_the_predictor_it_came_with_was_bad() -> None:
    here = both()
    here.apply(replace(V2, error_ratio=0.9))
    here.apply(V2, TRANSFORMER)
    here.until(Phase.ROLLED_BACK)
    here.run(600)
    assert here.status.component is PREDICTOR
    assert here.parts[TRANSFORMER].traffic["transformer-00001"] == 100


def test_both_changed_are_refused_where_the_spec_says_so() -> None:
    here = both(on_both_changed="refuse")
    here.apply(V2)
    here.apply(V2, TRANSFORMER)
    here.until(Phase.ROLLED_BACK)
    assert "onBothChanged" in here.status.reason
    here.run(300)
    assert here.parts[TRANSFORMER].traffic["transformer-00001"] == 100
    assert here.parts[PREDICTOR].traffic[OLD] == 100
    assert here.heard("BothChanged")


@pytest.mark.parametrize("which", ["missing", "Standard"])
def test_what_cannot_be_rolled_out_is_said_once_and_left_alone(which: str) -> None:
    here = good()
    here.apply(V2)
    here.until(Phase.PROGRESSING)
    if which == "missing":
        here.is_there = False
    else:
        here.mode = which
    here.look()
    here.look()
    assert here.status.phase is Phase.IDLE
    assert not here.desired.percents
    assert not here.desired.routes
    assert len(here.heard("TargetMissing") + here.heard("UnsupportedMode")) == 1


def test_suspended_nothing_starts() -> None:
    here = good(suspend=True)
    here.apply(V2)
    here.run(200)
    assert here.status.phase is Phase.IDLE
    assert "suspended" in here.status.reason
    assert here.part.traffic[OLD] == 100


def test_dry_run_says_what_it_would_do_and_wants_nothing() -> None:
    here = good(mode="DryRun")
    here.apply(V2)
    here.run(200)
    assert len(here.heard("WouldRollOut")) == 1
    assert "5 %, 10 %, 25 %, 50 %" in here.status.reason
    assert not here.desired.percents
    assert not here.desired.routes
    assert not here.status.floors


def test_a_rollback_by_hand_is_taken_for_what_it_is() -> None:
    here = good()
    here.apply(V2)
    here.until(Phase.WATCHING)
    here.part.percent = 0
    here.until(Phase.ROLLED_BACK)
    assert "by hand" in here.status.reason
    assert here.part.traffic[OLD] == 100


def test_both_routes_and_the_old_revision_are_kept_while_it_lasts() -> None:
    here = good()
    here.apply(V2)
    here.until(Phase.PROGRESSING)
    assert here.desired.routes == {Role.STABLE: OLD, Role.CANARY: NEW}
    assert here.desired.kept == {OLD, NEW}
    assert here.status.addresses.canary.startswith("http://canary")


def test_a_task_of_the_version_before_says_nothing_about_the_next() -> None:
    here = good(offline_gate={"prompts": {"name": "golden", "key": "prompts"}})
    here.apply(V2)
    here.until(Phase.GATING)
    here.finish("offline-gate", TaskResult(TaskState.REFUSED, "3 of 10 answers differ"))
    here.apply(V3)
    here.platform()
    here.look()
    assert here.status.phase is not Phase.ROLLED_BACK
    assert here.status.tasks == {}


def both(**spec: Any) -> World:
    here = World(good(**spec).spec, judge=PlainJudge())
    here.deploy(V1, TRANSFORMER)
    here.deploy()
    here.look()
    return here


def _has(here: World, revision: str, share: int) -> None:
    assert here.part.traffic.get(revision, 0) >= share, here.part.traffic
