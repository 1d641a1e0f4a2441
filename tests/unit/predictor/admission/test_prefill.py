"""What waits inside the engine is bounded, so that the queue knows of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.decision import Reason
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Priority, Work

IDLE = EngineObservation(kv_usage=0.0)


def work(number: int, *, prompt_tokens: int) -> Work:
    return Work(number, "a", Priority.INTERACTIVE, prompt_tokens, 10, 1, arrived_s=0.0)


def _queue(max_prefill_tokens: int | None = 1000, max_queue_wait_s: float = 60) -> AdmissionQueue:
    return AdmissionQueue(
        Limits(
            kv_tokens=100_000,
            max_running=100,
            max_queue_tokens=1_000_000,
            max_queue_wait_s=max_queue_wait_s,
            max_prefill_tokens=max_prefill_tokens,
        )
    )


def _started(queue: AdmissionQueue, now: float) -> list[int]:
    return [each.id for each in queue.dispatch(IDLE, now)]


def test_prompts_wait_outside_until_the_engine_has_processed_those_before() -> None:
    queue = _queue()
    for number in range(5):
        queue.offer(work(number, prompt_tokens=400), now=0)
    assert _started(queue, 0) == [0, 1]
    queue.prefilled(400, now=1)
    assert _started(queue, 1) == [2]
    queue.prefilled(800, now=2)
    assert _started(queue, 2) == [3, 4]


def test_one_prompt_longer_than_the_bound_goes_alone() -> None:
    queue = _queue()
    queue.offer(work(1, prompt_tokens=5000), now=0)
    assert _started(queue, 0) == [1]
    queue.offer(work(2, prompt_tokens=10), now=0)
    assert _started(queue, 0) == []
    queue.prefilled(5000, now=1)
    assert _started(queue, 1) == [2]


def test_without_a_bound_all_that_fits_the_cache_goes_in() -> None:
    queue = _queue(max_prefill_tokens=None)
    for number in range(20):
        queue.offer(work(number, prompt_tokens=400), now=0)
    assert len(_started(queue, 0)) == 20


def test_a_request_that_ends_before_its_prompt_was_processed_makes_room() -> None:
    queue = _queue()
    for number in range(3):
        queue.offer(work(number, prompt_tokens=900), now=0)
    assert _started(queue, 0) == [0]
    queue.cancel(0, now=1)
    assert _started(queue, 1) == [1]
    queue.finish(1, now=2)
    assert _started(queue, 2) == [2]


def test_what_waits_inside_counts_in_the_expected_wait() -> None:
    queue = _queue(max_queue_wait_s=3)
    queue.seed_rate(1000)
    queue.offer(work(0, prompt_tokens=4000), now=0)
    assert _started(queue, 0) == [0]
    verdict = queue.offer(work(1, prompt_tokens=100), now=0)
    assert verdict.reason is Reason.WAIT_TOO_LONG
    assert verdict.expected_wait_s == pytest.approx(4.1, abs=0.3)
    queue.prefilled(4000, now=4)
    assert queue.offer(work(2, prompt_tokens=100), now=4).accepted


@given(st.lists(st.tuples(st.integers(1, 1500), st.booleans(), st.integers(0, 2500)), max_size=60))
def test_the_bound_holds_and_everybody_gets_in(steps: list[tuple[int, bool, int]]) -> None:
    queue = _queue()
    inside: dict[int, int] = {}
    accepted, started = set(), set()
    for number, (prompt, leaves, processed) in enumerate(steps):
        now = float(number)
        if queue.offer(work(number, prompt_tokens=prompt), now).accepted:
            accepted.add(number)
        for each in queue.dispatch(IDLE, now):
            started.add(each.id)
            assert not inside or sum(inside.values()) + each.prompt_tokens <= 1000
            inside[each.id] = each.prompt_tokens
        if leaves and inside:
            gone = next(iter(inside))
            del inside[gone]
            queue.cancel(gone, now)
        done = 0
        while inside and done + inside[next(iter(inside))] <= processed:
            done += inside.pop(next(iter(inside)))
        queue.prefilled(done, now)
    for step in range(len(steps)):
        now = float(len(steps) + step)
        queue.prefilled(sum(inside.values()), now)
        inside = {}
        for each in queue.dispatch(IDLE, now):
            started.add(each.id)
            inside[each.id] = each.prompt_tokens
        for number in started:
            queue.finish(number, now)
    assert started == accepted
