"""The estimate by which requests are turned away, against the wait in a simulated engine."""

import random
import statistics

import pytest

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Priority, Work
from tests.unit.predictor.admission.simulation import STEP_S, Simulation, work

SLOTS = 8
MEAN_OUTPUT = 50
# Each of the slots generates a token of weight 2 per step, and prompts are 1 to 200.
CAPACITY_PER_S = SLOTS / (STEP_S * (MEAN_OUTPUT + 1))
IDLE = EngineObservation(0.0)


def _arrivals(load: float, seconds: float, batch_part: float = 0.0) -> list[tuple[Work, int]]:
    """Poisson arrivals at a part of the capacity; exponential output lengths."""
    rng, now, arrivals = random.Random(5), 0.0, []
    while now < seconds:
        now += rng.expovariate(load * CAPACITY_PER_S)
        output = 1 + min(400, round(rng.expovariate(1 / MEAN_OUTPUT)))
        kind = Priority.BATCH if rng.random() < batch_part else Priority.INTERACTIVE
        each = work(kind, prompt=rng.randint(1, 200), output=400, priority=kind, at=now)
        arrivals.append((each, output))
    return arrivals


def _run(load: float, *, limit_s: float = 1e9, batch_part: float = 0.0) -> Simulation:
    limits = Limits(
        kv_tokens=10**5, max_running=SLOTS, max_queue_tokens=10**9, max_queue_wait_s=limit_s
    )
    simulation = Simulation(AdmissionQueue(limits), _arrivals(load, 300, batch_part))
    for _ in simulation.run(until_s=400):
        pass
    return simulation


def _expected_and_real(simulation: Simulation, priority: Priority) -> tuple[float, float]:
    """Means over the works that had to wait, once the engine is known."""
    pairs = [
        (decision.expected_wait_s, simulation.started_s[each.id] - each.arrived_s)
        for each, decision in simulation.accepted.values()
        if each.priority is priority
        and each.id in simulation.started_s
        and each.arrived_s > 20
        and decision.expected_wait_s > 0
    ]
    assert len(pairs) > 100
    return statistics.fmean(e for e, _ in pairs), statistics.fmean(r for _, r in pairs)


@pytest.mark.parametrize("load", [0.9, 1.0, 1.2])
def test_the_expected_wait_is_near_the_real_one(load: float) -> None:
    expected, real = _expected_and_real(_run(load), Priority.INTERACTIVE)
    assert real / 1.5 < expected < real * 1.5


def test_the_expected_wait_of_batch_work_accounts_for_interactive_work() -> None:
    simulation = _run(1.1, batch_part=0.4)
    batch, real_batch = _expected_and_real(simulation, Priority.BATCH)
    interactive, _ = _expected_and_real(simulation, Priority.INTERACTIVE)
    assert real_batch / 2 < batch < real_batch * 2
    assert batch > 3 * interactive


def test_at_twice_the_capacity_the_wait_stays_near_its_bound() -> None:
    simulation = _run(2.0, limit_s=5.0)
    waits = sorted(simulation.waits())
    assert waits[int(0.95 * len(waits))] < 2 * 5.0
    assert waits[-1] < 3 * 5.0
    # A bound that only turned everybody away would keep it as well.
    served = len(waits) / len(_arrivals(2.0, 300))
    assert served == pytest.approx(0.5, abs=0.07)


def test_an_idle_engine_forgets_nothing() -> None:
    simulation = _run(1.2)
    queue = simulation.policy
    assert isinstance(queue, AdmissionQueue)
    before = queue.service_rate
    assert before is not None
    queue.offer(work(at=5000.0), 5000.0)
    queue.dispatch(IDLE, 5000.0)
    queue.expire(5003.0)
    assert queue.service_rate == before


def test_a_wrong_seed_is_corrected_within_seconds() -> None:
    limits = Limits(kv_tokens=10**5, max_running=SLOTS, max_queue_tokens=10**9)
    queue = AdmissionQueue(limits)
    queue.seed_rate(1.0)
    flood = [(work(prompt=1, output=100, at=0.3 * i), 100) for i in range(300)]
    simulation = Simulation(queue, flood)
    for now in simulation.run(until_s=90):
        if now > 15 and queue.running == SLOTS:
            break
    full = 2 * SLOTS / STEP_S
    assert queue.service_rate == pytest.approx(full, rel=0.3)


def test_an_engine_that_hangs_is_noticed_and_its_recovery_too() -> None:
    limits = Limits(kv_tokens=10**5, max_running=1, max_queue_tokens=10**9, max_queue_wait_s=60)
    queue = AdmissionQueue(limits)
    queue.seed_rate(1000.0)
    first = work()
    queue.offer(first, 0.0)
    queue.dispatch(IDLE, 0.0)
    queue.offer(work(prompt=1000), 0.0)
    assert queue.offer(work(), 0.0).accepted
    queue.expire(120.0)
    late = queue.offer(work(at=120.0), 120.0)
    assert not late.accepted
    assert late.retry_after_s is not None
    assert late.retry_after_s <= 3600
    queue.finish(first.id, 121.0)
    for step in range(60):
        now = 121.0 + step
        for each in queue.dispatch(IDLE, now):
            queue.progress(each.id, 500, now)
            queue.finish(each.id, now)
    assert queue.offer(work(at=200.0), 200.0).accepted
