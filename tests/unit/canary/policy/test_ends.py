"""How a rollout ends: promoted, taken back, restored, or left by a person."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pilotlight.api.rollout_status import Component, Phase
from pilotlight_canary.observation import Action, Role
from tests.unit.canary.policy.judges import PlainJudge
from tests.unit.canary.policy.platform import Template
from tests.unit.canary.policy.world import V1, V2, V3, World, world

OLD, NEW, THIRD = "predictor-00001", "predictor-00002", "predictor-00003"
BAD = replace(V2, error_ratio=0.9)


def begun(template: Template = V2, **spec: Any) -> World:
    here = world(judge=PlainJudge(), **spec)
    here.apply(template)
    return here


def test_our_route_to_stable_is_ready_before_everything_goes_to_the_canary() -> None:
    here = begun()
    here.asleep = frozenset({Role.STABLE})
    here.until(Phase.PROMOTING)
    here.run(200)
    assert here.version(NEW).ready == here.load
    assert here.status.weight < 100
    assert here.part.traffic[NEW] == 50
    here.asleep = frozenset()
    here.until(Phase.WATCHING)


def test_going_back_within_the_window_takes_one_write_and_no_cold_start() -> None:
    here = begun()
    here.until(Phase.WATCHING)
    here.ask(Action.ABORT)
    began = here.now
    here.next_look = here.now
    here.run(60, until=lambda it: it.part.traffic.get(OLD) == 100)
    assert here.now - began <= timedelta(seconds=5)
    assert here.version(OLD).ready == here.load
    here.until(Phase.ROLLED_BACK)
    assert here.status.components[Component.PREDICTOR].stable == OLD


def test_a_version_that_breaks_after_its_promotion_is_taken_back() -> None:
    here = begun()
    here.until(Phase.WATCHING)
    version = here.version(NEW)
    version.template = replace(version.template, error_ratio=0.9)
    here.until(Phase.ROLLED_BACK)
    assert here.status.reason.startswith("after its promotion")
    assert here.part.traffic[OLD] == 100


def test_stables_claim_outlives_the_rollback_until_the_autoscaler_has_seen_the_traffic() -> None:
    here = begun(BAD)
    here.until(Phase.ROLLED_BACK)
    (claim,) = here.status.floors
    assert claim.revision == OLD
    assert claim.expires_at == here.status.history[-1].ended_at + timedelta(minutes=2)
    here.run(180)
    assert not here.status.floors


def test_no_claim_takes_pods_from_what_the_template_itself_asks_for() -> None:
    here = begun()
    here.platform()
    here.version(NEW).floor = 2
    here.until(Phase.PROGRESSING)
    assert {claim.revision: claim.replicas for claim in here.status.floors} == {OLD: 3, NEW: 2}
    assert here.status.minimums[NEW] == 2


def test_claims_end_when_nobody_renews_them() -> None:
    here = begun()
    here.until(Phase.PROGRESSING)
    assert {claim.revision for claim in here.status.floors} == {OLD, NEW}
    for claim in here.status.floors:
        assert claim.expires_at is not None
        assert claim.expires_at <= here.now + timedelta(minutes=10)
    here.run(3600, until=lambda it: it.status.phase is Phase.WATCHING)
    here.spec = here.spec.model_copy(update={"rollback_window_seconds": 10**6})
    for claim in here.status.floors:
        assert claim.expires_at is not None
        assert claim.expires_at > here.now


def test_restore_brings_the_old_template_back_warm_and_without_analysis() -> None:
    here = begun(rollback_window_seconds=0, on_rollback="restore")
    here.until(Phase.SUCCEEDED)
    here.apply(replace(V3, error_ratio=0.9))
    here.until(Phase.ROLLED_BACK)
    assert here.desired.restore == NEW
    steps = len(here.heard("StepStarted"))
    here.each_second.append(_someone_is_warm)
    here.run(900, until=lambda it: bool(it.heard("Restored")))
    assert here.part.traffic == {"predictor-00004": 100}
    assert here.part.template == V2
    assert here.status.phase is Phase.ROLLED_BACK
    assert len(here.heard("StepStarted")) == steps
    here.run(600)
    assert not here.desired.restore


def test_what_a_tool_writes_again_after_a_restore_is_held_and_not_fought() -> None:
    here = begun(rollback_window_seconds=0, on_rollback="restore")
    here.until(Phase.SUCCEEDED)
    bad = replace(V3, error_ratio=0.9)
    here.apply(bad)
    here.run(3000, until=lambda it: bool(it.heard("Restored")))
    here.apply(bad)
    here.run(600)
    assert here.status.phase is Phase.ROLLED_BACK
    assert not here.desired.restore
    assert here.part.traffic["predictor-00004"] == 100


def test_hold_leaves_the_spec_as_it_is() -> None:
    here = begun(BAD)
    here.until(Phase.ROLLED_BACK)
    here.run(600)
    assert here.part.template == BAD
    assert here.part.percent == 0
    assert not here.desired.restore


def test_zero_percent_is_written_again_while_a_bad_version_is_the_latest() -> None:
    here = begun(BAD)
    here.until(Phase.ROLLED_BACK)
    here.part.percent = None
    here.look()
    assert here.part.percent == 0


@pytest.mark.parametrize("action", list(Action))
def test_what_makes_no_sense_now_is_refused_with_a_sentence(action: Action) -> None:
    here = world(judge=PlainJudge())
    here.ask(action)
    here.look()
    assert here.status.handled_request
    assert here.status.phase is Phase.IDLE
    assert len(here.heard("RequestRefused")) == 1
    here.look()
    assert len(here.heard("RequestRefused")) == 1


def test_a_person_promotes_without_waiting() -> None:
    here = begun()
    here.until(Phase.PROGRESSING)
    here.ask(Action.PROMOTE)
    here.until(Phase.WATCHING, seconds=120)
    assert "kim promoted it" in here.heard("PromotedByPerson")[0]
    assert here.version(NEW).ready == here.load


def test_a_request_that_meant_the_version_before_is_not_carried_out_on_the_next() -> None:
    here = begun()
    here.until(Phase.PROGRESSING)
    here.apply(V3)
    here.ask(Action.PROMOTE)
    here.platform()
    here.look()
    assert here.status.weight == 0
    assert here.status.phase is not Phase.PROMOTING
    assert here.heard("RequestRefused")


def test_a_deleted_rollout_midway_leaves_everything_with_stable() -> None:
    here = begun()
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 10)
    assert here.let_go().next_look_s > 0
    here.platform()
    assert here.let_go().next_look_s == 0
    assert here.part.traffic[OLD] == 100
    assert here.part.percent == 0
    assert not here.routes
    assert not here.status.floors


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.WATCHING, Phase.SUCCEEDED, Phase.ROLLED_BACK])
def test_a_deleted_rollout_at_rest_leaves_the_split_alone(phase: Phase) -> None:
    here = begun(BAD if phase is Phase.ROLLED_BACK else V2)
    if phase is Phase.IDLE:
        here = world(judge=PlainJudge())
    here.until(phase)
    before = dict(here.part.traffic)
    decision = here.let_go()
    assert decision.next_look_s == 0
    assert not decision.desired.percents
    assert not decision.desired.routes
    assert not decision.status.floors
    here.platform()
    assert here.part.traffic == before


def test_the_history_is_bounded_and_says_how_each_ended() -> None:
    here = world(judge=PlainJudge(), rollback_window_seconds=0)
    for number in range(23):
        bad = number % 2
        here.apply(Template(f"n{number}", error_ratio=0.9 if bad else 0.01))
        here.until(Phase.HELD, Phase.WARMING)
        here.until(Phase.ROLLED_BACK if bad else Phase.SUCCEEDED)
    assert len(here.status.history) == 20
    assert {past.outcome for past in here.status.history} == {Phase.SUCCEEDED, Phase.ROLLED_BACK}


def _someone_is_warm(here: World) -> None:
    for name, share in here.part.traffic.items():
        if share:
            assert here.version(name).ready > 0


def test_the_first_version_needs_no_rollout() -> None:
    here = world(deployed=V1, judge=PlainJudge())
    here.run(300)
    assert here.status.phase is Phase.IDLE
    assert not here.said
