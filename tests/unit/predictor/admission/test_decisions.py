"""What is accepted, what is turned away, and what the client is told."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.decision import Decision, Reason
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Priority, Work
from tests.unit.predictor.admission.simulation import work

LIMITS = Limits(kv_tokens=1000, max_running=4, max_queue_tokens=4000, max_queue_wait_s=30.0)
IDLE = EngineObservation(0.0)


def _busy(rate: float = 100.0, limits: Limits = LIMITS) -> AdmissionQueue:
    """An engine whose cache is full, with nothing waiting."""
    queue = AdmissionQueue(limits)
    queue.seed_rate(rate)
    queue.offer(work("running", prompt=limits.kv_tokens - 1, output=1), 0.0)
    assert len(queue.dispatch(IDLE, 0.0)) == 1
    return queue


def _fill(queue: AdmissionQueue, priority: Priority = Priority.INTERACTIVE) -> Decision:
    """Offer equal works until one is turned away."""
    for _ in range(1000):
        decision = queue.offer(work(priority=priority), 0.0)
        if not decision.accepted:
            return decision
    raise AssertionError("nothing was turned away")


@given(
    rate=st.floats(1e-6, 1e6),
    prompt=st.integers(0, 999),
    priority=st.sampled_from(Priority),
    patience=st.none() | st.floats(1e-3, 1e3),
)
def test_what_fits_while_nothing_waits_is_accepted_whatever_the_rate(
    rate: float, prompt: int, priority: Priority, patience: float | None
) -> None:
    queue = AdmissionQueue(replace(LIMITS, max_queue_tokens=0))
    queue.seed_rate(rate)
    fitting = work(prompt=prompt, output=1, priority=priority, deadline=patience)
    assert queue.offer(fitting, 0.0) == Decision(0.0)
    assert queue.dispatch(IDLE, 0.0) == [fitting]


@pytest.mark.parametrize(("prompt", "reason"), [(999, None), (1000, Reason.TOO_LARGE)])
def test_a_prompt_that_can_never_fit_is_turned_away_at_once(
    prompt: int, reason: Reason | None
) -> None:
    decision = AdmissionQueue(LIMITS).offer(work(prompt=prompt, output=500), 0.0)
    assert decision.reason is reason
    assert decision.retry_after_s is None


def test_a_full_queue_turns_away_and_stays_within_its_bound() -> None:
    queue = _busy(rate=1e6)
    decision = _fill(queue)
    assert decision.reason is Reason.QUEUE_FULL
    queued = queue.queued_tokens(Priority.INTERACTIVE)
    assert 0.75 * 4000 < queued <= 0.8 * 4000
    assert str(queued) in decision.message


def test_batch_work_leaves_half_of_the_queue_to_interactive_work() -> None:
    queue = _busy(rate=1e6)
    assert _fill(queue, Priority.BATCH).reason is Reason.QUEUE_FULL
    assert queue.queued_tokens(Priority.BATCH) <= 2000
    assert queue.offer(work(prompt=900), 0.0).accepted


def test_many_tenants_stay_within_the_bound_of_the_queue() -> None:
    queue = _busy(rate=1e6)
    for index in range(500):
        queue.offer(work(f"t{index % 50}", prompt=50), 0.0)
        assert queue.queued_tokens(Priority.INTERACTIVE) <= 4000


@pytest.mark.parametrize("rate", [50.0, 75.0])
def test_a_long_wait_is_turned_away_until_it_is_expected_to_be_short_enough(rate: float) -> None:
    queue = _busy(rate)
    decision = _fill(queue)
    assert decision.reason is Reason.WAIT_TOO_LONG
    assert decision.expected_wait_s > 30
    over = decision.expected_wait_s - 30
    assert decision.retry_after_s is not None
    assert max(1, over) <= decision.retry_after_s < over + 1


def test_an_unknown_rate_turns_nobody_away_for_the_wait() -> None:
    queue = AdmissionQueue(LIMITS)
    queue.offer(work(prompt=999, output=1), 0.0)
    queue.dispatch(IDLE, 0.0)
    decision = _fill(queue)
    assert decision.reason is Reason.QUEUE_FULL
    assert decision.retry_after_s == 1


@pytest.mark.parametrize(
    ("deadline", "reason"), [(-1.0, Reason.DEADLINE), (1.0, Reason.DEADLINE), (5.0, None)]
)
def test_a_request_whose_turn_would_come_after_its_deadline_is_turned_away(
    deadline: float, reason: Reason | None
) -> None:
    """200 weighted tokens at 100 a second take 2 s."""
    decision = _busy().offer(work(prompt=100, output=50, deadline=deadline), 0.0)
    assert decision.expected_wait_s == pytest.approx(2.0)
    assert decision.reason is reason
    assert reason is None or decision.retry_after_s == (1 if deadline == 1.0 else 3)


def _rejections() -> list[Decision]:
    return [
        AdmissionQueue(LIMITS).offer(work(prompt=1000), 0.0),
        _fill(_busy(rate=1e6)),
        _fill(_busy(rate=10)),
        _busy().offer(work(deadline=0.5), 0.0),
    ]


def test_every_rejection_says_why_in_numbers_and_when_to_come_back() -> None:
    rejections = _rejections()
    assert {decision.reason for decision in rejections} == set(Reason)
    for decision in rejections:
        assert len(re.findall(r"\d+", decision.message)) >= 2
        if decision.retry_after_s is not None:
            assert f"retry in {decision.retry_after_s} s" in decision.message


def test_a_nearly_full_kv_cache_stops_dispatch_until_it_is_relieved() -> None:
    queue = AdmissionQueue(LIMITS)
    first, second = work(), work()
    queue.offer(first, 0.0)
    queue.dispatch(IDLE, 0.0)
    queue.offer(second, 0.0)
    assert queue.dispatch(EngineObservation(0.95), 0.0) == []
    assert queue.dispatch(EngineObservation(0.94), 0.0) == [second]


def test_a_stale_report_of_a_full_cache_does_not_stop_an_idle_engine() -> None:
    queue = AdmissionQueue(LIMITS)
    only = work()
    assert queue.offer(only, 0.0).accepted
    assert queue.dispatch(EngineObservation(1.0), 0.0) == [only]


@pytest.mark.parametrize("sequences", [4, 5, 100])
def test_more_choices_than_the_engine_runs_at_once_may_run_alone(sequences: int) -> None:
    queue = AdmissionQueue(LIMITS)
    wide = work(prompt=10, output=10, sequences=sequences)
    queue.offer(wide, 0.0)
    assert queue.dispatch(IDLE, 0.0) == [wide]
    assert queue.running == 4
    queue.offer(work(prompt=1), 0.0)
    assert queue.dispatch(IDLE, 0.0) == []


def test_an_answer_longer_than_expected_takes_more_of_the_cache() -> None:
    queue = AdmissionQueue(LIMITS)
    long = work(prompt=100, output=900)
    queue.offer(long, 0.0)
    queue.dispatch(IDLE, 0.0)
    assert queue.reserved_tokens < 600
    queue.progress(long.id, 700, 1.0)
    assert queue.reserved_tokens == 800
    queue.cancel(long.id, 1.0)
    assert queue.reserved_tokens == 0


def test_an_id_in_use_is_refused() -> None:
    queue = AdmissionQueue(LIMITS)
    twice = work()
    queue.offer(twice, 0.0)
    with pytest.raises(ValueError, match="its own id"):
        queue.offer(twice, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kv_tokens": 0},
        {"max_running": 0},
        {"max_queue_tokens": -1},
        {"batch_share": 1.0},
        {"batch_share": -0.1},
    ],
)
def test_limits_that_cannot_be_kept_are_named(wrong: dict[str, float]) -> None:
    given = {"kv_tokens": 10, "max_running": 1, "max_queue_tokens": 10, **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**given)  # type: ignore[arg-type]  # the wrong values are the point


@pytest.mark.parametrize("wrong", [(-1, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_a_work_without_a_size_is_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="negative size"):
        Work(1, "a", Priority.BATCH, *wrong, arrived_s=0.0)
