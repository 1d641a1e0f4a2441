"""Interactive work first, and batch work never starved."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Priority, Work
from tests.unit.predictor.admission.simulation import Simulation, work

BATCH, INTERACTIVE = Priority.BATCH, Priority.INTERACTIVE
IDLE = EngineObservation(0.0)


def _limits(share: float = 0.1, running: int = 1) -> Limits:
    return Limits(
        kv_tokens=4000,
        max_running=running,
        max_queue_tokens=10**9,
        max_queue_wait_s=1e9,
        batch_share=share,
    )


def _one_by_one(queue: AdmissionQueue) -> Iterator[Work]:
    for now in count():
        started = queue.dispatch(IDLE, float(now))
        if not started:
            return
        for each in started:
            queue.progress(each.id, each.max_output_tokens, float(now))
            queue.finish(each.id, float(now))
            yield each


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_an_interactive_request_starts_before_batch_work_that_came_first(share: float) -> None:
    queue = AdmissionQueue(_limits(share))
    for _ in range(5):
        queue.offer(work(priority=BATCH), 0.0)
    interactive = work(priority=INTERACTIVE, at=1.0)
    queue.offer(interactive, 1.0)
    assert next(_one_by_one(queue)) == interactive


@given(share=st.floats(0.02, 0.5), seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_batch_gets_its_share_of_the_cost_while_both_wait(share: float, seed: int) -> None:
    limits, rng = _limits(share), random.Random(seed)
    queue = AdmissionQueue(limits)
    cost = {BATCH: 0.0, INTERACTIVE: 0.0}
    left = {BATCH: 400, INTERACTIVE: 400}
    largest = limits.cost(1000, 50)
    for priority, number in left.items():
        for _ in range(number):
            queue.offer(work(prompt=rng.randint(1, 1000), output=50, priority=priority), 0.0)
    for started in _one_by_one(queue):
        left[started.priority] -= 1
        cost[started.priority] += limits.cost(started.prompt_tokens, 50)
        if 0 in left.values():
            break
        contested = sum(cost.values())
        assert cost[BATCH] >= share * contested - largest
        assert cost[BATCH] <= share * contested + largest
    assert cost[BATCH] > 0


def test_batch_without_a_share_waits_until_no_interactive_work_does() -> None:
    queue = AdmissionQueue(_limits(0.0))
    for priority in (BATCH, INTERACTIVE) * 20:
        queue.offer(work(priority=priority), 0.0)
    order = [started.priority for started in _one_by_one(queue)]
    assert order == [INTERACTIVE] * 20 + [BATCH] * 20


def test_batch_work_in_spare_time_leaves_no_debt() -> None:
    queue = AdmissionQueue(_limits(0.5))
    for _ in range(10):
        queue.offer(work(priority=BATCH), 0.0)
    served = _one_by_one(queue)
    spare = [next(served) for _ in range(5)]
    for _ in range(10):
        queue.offer(work(priority=INTERACTIVE), 5.0)
    contested = [next(served).priority for _ in range(8)]
    assert len(spare) == 5
    assert contested.count(BATCH) == pytest.approx(4, abs=1)


def test_interactive_traffic_that_fills_the_engine_does_not_starve_batch() -> None:
    """Interactive work takes each slot as it frees, but for a moment never waits."""
    rng, now = random.Random(1), 0.0
    arrivals = []
    for _ in range(3000):
        now += rng.expovariate(8.0)
        arrivals.append((work("chat", output=50, at=now), rng.randint(1, 50)))
    batch = [(work("jobs", priority=BATCH), 50) for _ in range(200)]
    simulation = Simulation(AdmissionQueue(_limits(0.1, running=8)), batch + arrivals)
    for _ in simulation.run(until_s=200):
        pass
    total = sum(simulation.service.values())
    assert simulation.service["jobs"] >= 0.095 * total
    assert simulation.service["jobs"] <= 0.3 * total


def test_what_batch_work_was_owed_is_forgotten_when_none_waits() -> None:
    queue = AdmissionQueue(_limits(0.5))
    large = work(prompt=3000, output=1, priority=BATCH)
    queue.offer(large, 0.0)
    for _ in range(20):
        queue.offer(work(prompt=100, output=1), 0.0)
    served = _one_by_one(queue)
    assert all(next(served).priority is INTERACTIVE for _ in range(10))
    queue.cancel(large.id, 0.0)
    queue.offer(work(prompt=100, output=1, priority=BATCH), 0.0)
    assert next(served).priority is INTERACTIVE


def test_room_kept_for_a_long_batch_prompt_goes_to_interactive_work_that_comes() -> None:
    queue = AdmissionQueue(replace(_limits(0.1, running=10), max_bypass=0.2))
    running = work(prompt=3000, output=1)
    queue.offer(running, 0.0)
    queue.dispatch(IDLE, 0.0)
    long = work(prompt=3500, output=1, priority=BATCH)
    small = [work(prompt=300, output=1, priority=BATCH) for _ in range(4)]
    for each in (long, *small):
        queue.offer(each, 0.0)
    assert queue.dispatch(IDLE, 0.0) == small[:2]
    queue.finish(running.id, 1.0)
    assert queue.dispatch(IDLE, 1.0) == []
    interactive = work(prompt=3000, output=1, at=1.0)
    queue.offer(interactive, 1.0)
    assert queue.dispatch(IDLE, 1.0) == [interactive]


def test_a_long_batch_prompt_starts_under_steady_interactive_traffic() -> None:
    rng = random.Random(2)
    long = work("jobs", prompt=3900, output=10, priority=BATCH, at=5.0)
    arrivals = [(work("chat", output=50, at=i / 10), rng.randint(1, 50)) for i in range(3000)]
    arrivals.insert(51, (long, 10))
    simulation = Simulation(AdmissionQueue(_limits(0.1, running=100)), arrivals)
    for _ in simulation.run(until_s=250):
        pass
    assert long.id in simulation.started_s
