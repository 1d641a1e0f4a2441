"""The way up: capacity before traffic, evidence before a step, a person where one is asked."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout_status import Evidence, Phase, TaskState
from pilotlight_canary.observation import Action, Interval, TaskResult
from tests.unit.canary.policy.judges import PlainJudge
from tests.unit.canary.policy.platform import Template
from tests.unit.canary.policy.world import V2, World, world

OLD, NEW = "predictor-00001", "predictor-00002"
PROMPTS = {"name": "golden", "key": "prompts"}


def begun(template: Template = V2, enough: int = 2000, **spec: Any) -> World:
    here = world(judge=PlainJudge(enough), **spec)
    here.apply(template)
    return here


def hook(kind: str) -> dict[str, Any]:
    return {"analysis": {"webhooks": [{"name": "gate", "type": kind, "url": "http://gate"}]}}


def passed(message: str = "") -> TaskResult:
    return TaskResult(TaskState.PASSED, message)


def test_pods_are_up_before_each_weight() -> None:
    here = begun(analysis={"step_weights": [20, 50, 80]})
    here.load = 10
    here.version(OLD).floor = 10
    here.run(30)
    here.each_second.append(_has_pods_for_its_share)
    here.until(Phase.SUCCEEDED)


def test_no_room_is_an_outcome_of_its_own_and_blames_no_version() -> None:
    here = begun(progress_deadline_seconds=300)
    here.slots = 3
    here.until(Phase.NO_CAPACITY)
    assert "no GPU is free" in here.status.reason or "nvidia.com/gpu" in here.status.reason
    here.run(400)
    assert here.status.phase is Phase.NO_CAPACITY
    assert here.status.waiting_since is None
    assert not here.status.components[here.status.component].rejected
    assert here.status.history[-1].outcome is Phase.NO_CAPACITY
    here.run(200)
    assert not here.status.floors
    assert not here.routes
    here.slots = 20
    here.run(300)
    assert here.status.phase is Phase.NO_CAPACITY, "nobody asked for another try"
    here.ask(Action.RETRY)
    here.until(Phase.SUCCEEDED)


def test_room_that_comes_in_time_is_used() -> None:
    here = begun()
    here.slots = 3
    here.until(Phase.NO_CAPACITY)
    here.run(100)
    here.slots = 20
    here.until(Phase.SUCCEEDED)
    assert len(here.heard("WaitingForCapacity")) == 1


def test_no_room_for_a_later_step_gives_up_without_blame() -> None:
    here = begun(progress_deadline_seconds=200, analysis={"step_weights": [10, 90]})
    here.slots = 4
    here.until(Phase.PROGRESSING)
    here.until(Phase.NO_CAPACITY)
    assert "90 %" in here.status.reason
    assert here.part.traffic[OLD] == 100


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (replace(V2, never_ready=True), "not ready within 5 min"),
        (replace(V2, crashes=True), "CrashLoopBackOff"),
    ],
)
def test_what_does_not_come_up_is_taken_back_without_traffic(
    template: Template, words: str
) -> None:
    here = begun(template, progress_deadline_seconds=300)
    here.each_second.append(lambda it: _nothing_for(it, NEW))
    here.until(Phase.ROLLED_BACK)
    assert words in here.status.reason
    here.run(150)
    assert here.version(NEW).floor == 0


def test_warm_up_and_gates_come_before_any_traffic() -> None:
    here = begun(warm_up={"prompts": PROMPTS}, offline_gate={"prompts": PROMPTS})
    here.each_second.append(lambda it: _nothing_for(it, NEW))
    here.run(100)
    assert here.status.phase is Phase.WARMING
    assert [task.name for task in here.desired.tasks] == ["warm-up"]
    here.finish("warm-up", passed())
    here.until(Phase.GATING)
    assert [task.name for task in here.desired.tasks] == ["offline-gate"]
    here.finish("offline-gate", TaskResult(TaskState.PASSED, "", "configmap/llm-report"))
    here.each_second.clear()
    here.until(Phase.PROGRESSING)
    assert here.status.report == "configmap/llm-report"
    assert here.desired.tasks == ()


def test_a_gate_that_refuses_takes_it_back_at_zero() -> None:
    here = begun(offline_gate={"prompts": PROMPTS})
    here.each_second.append(lambda it: _nothing_for(it, NEW))
    here.until(Phase.GATING)
    here.finish("offline-gate", TaskResult(TaskState.REFUSED, "31 % of the answers differ"))
    here.until(Phase.ROLLED_BACK)
    assert "31 % of the answers differ" in here.status.reason


def test_each_weight_is_seen_for_an_interval_at_least() -> None:
    here = begun(enough=1)
    weights = []
    here.checks.append(lambda it, _: weights.append(it.status.weight))
    here.until(Phase.WATCHING)
    assert {0, 5, 10, 25, 50, 100} <= set(weights)


def test_silence_holds_for_ever_and_says_so() -> None:
    here = begun(analysis={"on_inconclusive": "promote", "max_duration": "2m"})
    here.until(Phase.PROGRESSING)
    here.silent = True
    here.run(3000)
    assert here.status.phase is Phase.PROGRESSING
    assert here.status.weight <= 5
    assert "Prometheus does not answer" in here.status.reason
    assert len(here.heard("NoFigures")) == 1
    here.silent = False
    here.until(Phase.SUCCEEDED)


@pytest.mark.parametrize(
    ("policy", "phase"),
    [("hold", Phase.PAUSED), ("rollback", Phase.ROLLED_BACK), ("promote", Phase.SUCCEEDED)],
)
def test_a_step_without_a_result_ends_as_the_spec_says_and_says_why(
    policy: str, phase: Phase
) -> None:
    here = begun(enough=10**9, analysis={"on_inconclusive": policy, "max_duration": "2m"})
    here.until(phase)
    told = " ".join(one.message for one in here.said)
    assert "undecided after 2 min" in told
    assert "too few for the budgets" in told
    assert f"onInconclusive: {policy}" in told or policy == "promote"


def test_a_step_on_hold_goes_on_by_a_persons_word_or_by_evidence() -> None:
    here = begun(enough=10**9, analysis={"max_duration": "2m"})
    here.until(Phase.PAUSED)
    here.ask(Action.APPROVE)
    here.run(600, until=lambda it: it.status.weight == 10)
    assert here.status.weight == 10
    assert isinstance(here.judge, PlainJudge)
    here.until(Phase.PAUSED)
    here.judge.enough = 10
    here.until(Phase.SUCCEEDED)


def test_a_weight_that_needs_a_person_waits_for_one() -> None:
    here = begun(analysis={"pause_weights": [10]})
    here.until(Phase.PAUSED)
    assert here.status.tasks["approval-10"] is TaskState.WAITING
    here.run(2000)
    assert here.part.traffic[NEW] == 10
    here.ask(Action.APPROVE)
    here.until(Phase.SUCCEEDED)


def test_even_an_approved_step_is_left_only_with_figures_at_hand() -> None:
    here = begun(analysis={"pause_weights": [10]})
    here.until(Phase.PAUSED)
    here.run(60, until=lambda it: it.read_at == it.now)
    here.ask(Action.APPROVE)
    here.look()
    assert here.status.tasks["approval-10"] is TaskState.PASSED
    assert here.status.step == 2
    here.silent = True
    here.run(300)
    assert here.status.step == 2
    here.silent = False
    here.run(60, until=lambda it: it.status.step == 3)
    assert here.status.step == 3


def test_a_person_stops_it_and_lets_it_go_on() -> None:
    here = begun()
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 10)
    here.ask(Action.PAUSE)
    here.run(2000)
    assert here.status.phase is Phase.PAUSED
    assert here.part.traffic[NEW] == 10
    here.ask(Action.RESUME)
    here.until(Phase.SUCCEEDED)


def test_a_canary_that_is_paused_is_still_taken_back() -> None:
    here = begun()
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 10)
    here.ask(Action.PAUSE)
    here.until(Phase.PAUSED)
    version = here.version(NEW)
    version.template = replace(version.template, error_ratio=0.9)
    here.until(Phase.ROLLED_BACK)


def test_suspended_it_keeps_its_weight() -> None:
    here = begun()
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 10)
    here.spec = here.spec.model_copy(update={"suspend": True})
    here.run(2000)
    assert here.status.phase is Phase.PAUSED
    assert here.part.traffic[NEW] == 10
    here.spec = here.spec.model_copy(update={"suspend": False})
    here.until(Phase.SUCCEEDED)


def test_traffic_that_is_not_split_as_told_pauses_and_does_not_blame() -> None:
    here = begun(enough=4000)
    here.until(Phase.PROGRESSING)
    here.mis_split = True
    here.until(Phase.PAUSED)
    assert "not split as told" in here.status.reason
    here.run(1000)
    assert here.status.phase is Phase.PAUSED
    here.mis_split = False
    here.ask(Action.RESUME)
    here.until(Phase.SUCCEEDED)


def test_a_storm_of_errors_ends_it_at_the_first_look() -> None:
    here = begun(replace(V2, error_ratio=0.7), enough=10**9)
    here.run(600, until=lambda it: it.status.step_started_at is not None)
    began = here.now
    here.until(Phase.ROLLED_BACK)
    assert here.now - began < timedelta(seconds=40)
    assert "50 % are allowed" in here.status.reason


def test_one_failed_request_of_one_is_no_storm() -> None:
    here = begun(replace(V2, error_ratio=0.9))
    here.rate = 1.0
    here.run(600, until=lambda it: it.status.step_started_at is not None)
    here.run(60)
    assert here.status.phase is Phase.PROGRESSING


def test_a_limit_has_to_be_passed_so_many_times_in_a_row() -> None:
    here = begun(replace(V2, error_ratio=0.7), enough=10**9, analysis={"threshold": 3})
    here.judge = PlainJudge(10**9)
    here.rate = 14.0
    here.until(Phase.ROLLED_BACK)
    assert here.status.reason.endswith("3 looks in a row") or "errors" in here.status.reason


def test_a_canary_without_a_ready_pod_is_taken_back_without_figures() -> None:
    here = begun()
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 10)
    here.silent = True
    version = here.version(NEW)
    version.template = replace(version.template, never_ready=True)
    here.until(Phase.ROLLED_BACK)
    assert "ready" in here.status.reason


@pytest.mark.parametrize("kind", ["confirm-rollout", "pre-rollout", "confirm-promotion"])
def test_a_webhook_that_has_to_agree_is_waited_for(kind: str) -> None:
    here = begun(**hook(kind))
    here.run(2000)
    limit = 50 if kind == "confirm-promotion" else 0
    assert here.part.traffic.get(NEW, 0) == limit
    here.finish("webhook-gate", passed())
    here.until(Phase.SUCCEEDED)


def test_a_webhook_can_take_it_back_while_it_runs() -> None:
    here = begun(**hook("rollback"))
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 10)
    here.finish("webhook-gate", passed("the pager rang"))
    here.until(Phase.ROLLED_BACK)
    assert "the pager rang" in here.status.reason


def test_a_webhook_that_refuses_a_running_rollout_counts_as_a_limit() -> None:
    here = begun(**hook("rollout"))
    here.finish("webhook-gate", passed())
    here.run(600, until=lambda it: it.part.traffic.get(NEW, 0) == 10)
    here.finish("webhook-gate", TaskResult(TaskState.REFUSED, "load test failed"))
    here.until(Phase.ROLLED_BACK)
    assert "load test failed" in here.status.reason


def test_after_the_end_webhooks_are_told() -> None:
    here = begun(**hook("post-rollout"))
    here.until(Phase.SUCCEEDED)
    assert [task.name for task in here.desired.tasks] == ["webhook-gate"]
    here.finish("webhook-gate", passed())
    here.run(61)
    assert here.desired.tasks == ()


def test_counts_of_two_steps_are_never_pooled() -> None:
    here = begun()
    weighed = []

    class Strict(PlainJudge):
        def weigh(
            self,
            evidence: tuple[Evidence, ...],
            interval: Interval,
            analysis: Analysis,
            weight: int,
        ) -> tuple[Evidence, ...]:
            since = here.status.step_started_at
            assert since is not None
            assert interval.seconds <= (here.now - since).total_seconds() + 1
            weighed.append(weight)
            return super().weigh(evidence, interval, analysis, weight)

    here.judge = Strict()
    here.until(Phase.WATCHING)
    assert set(weighed) == {5, 10, 25, 50}


def _has_pods_for_its_share(here: World) -> None:
    for name, share in here.part.traffic.items():
        assert here.version(name).ready >= -(-here.load * share // 100)


def _nothing_for(here: World, name: str) -> None:
    assert here.part.traffic.get(name, 0) == 0
