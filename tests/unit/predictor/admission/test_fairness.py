"""Fair shares among tenants: the bounds of VTC (arXiv 2401.00588)."""

import random
from collections import defaultdict
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Work
from tests.unit.predictor.admission.simulation import (
    FirstComeFirstServed,
    Policy,
    Simulation,
    work,
)

LIMITS = Limits(
    kv_tokens=2000, max_running=12, max_queue_tokens=10**9, max_queue_wait_s=1e9, max_bypass=4.0
)
IDLE = EngineObservation(0.0)


def _backlogs(seed: int) -> list[tuple[Work, int]]:
    """Three tenants that always wait, each with its own lengths, and one that comes and goes."""
    rng = random.Random(seed)
    arrivals = []
    for name, count in (("few", 300), ("many", 900), ("huge", 300)):
        longest = rng.choice([50, 300, 1200])
        limit = rng.choice([10, 60, 200])
        for _ in range(count):
            size = rng.randint(1, longest)
            arrivals.append((work(name, prompt=size, output=limit), rng.randint(1, limit)))
    rng.shuffle(arrivals)
    visits = sorted(rng.uniform(0, 100) for _ in range(40))
    return arrivals + [(work("guest", prompt=rng.randint(1, 900), at=at), 50) for at in visits]


def _widest_gap(policy: Policy, seed: int) -> float:
    """Most by which the services of two tenants differ over any interval, both waiting."""
    simulation = Simulation(policy, _backlogs(seed))
    left = defaultdict(int, {"few": 300, "many": 900, "huge": 300})
    seen: set[int] = set()
    gaps: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in simulation.run(until_s=100):
        for started in simulation.started_s.keys() - seen:
            left[simulation.accepted[started][0].tenant] -= 1
        seen |= simulation.started_s.keys()
        for pair in combinations([name for name in left if left[name] > 0], 2):
            gaps[pair].append(simulation.service[pair[0]] - simulation.service[pair[1]])
    assert sum(simulation.service.values()) > 5 * LIMITS.fairness_bound
    return max(max(gap) - min(gap) for gap in gaps.values())


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_two_waiting_tenants_differ_by_at_most_twice_u(seed: int) -> None:
    """Theorem 4.4: |W_f(t1, t2) - W_g(t1, t2)| <= 2 U with U = max(w_p L_input, w_q M)."""
    assert _widest_gap(AdmissionQueue(LIMITS), seed) <= 2 * LIMITS.fairness_bound


def test_first_come_first_served_breaks_that_bound() -> None:
    assert _widest_gap(FirstComeFirstServed(LIMITS), seed=1) > 2 * LIMITS.fairness_bound


@pytest.mark.parametrize("served_before", [1, 80])
def test_time_without_requests_is_no_credit(served_before: int) -> None:
    queue = AdmissionQueue(Limits(kv_tokens=1000, max_running=1, max_queue_tokens=10**6))
    now = 0.0
    for _ in range(100):
        queue.offer(work("steady", output=10, at=now), now)
    for _ in range(served_before):
        now = _serve_one(queue, now)
    for _ in range(10):
        queue.offer(work("newcomer", output=10, at=now), now)
    starts = [_serve_name(queue, now) for _ in range(10)]
    assert starts.count("newcomer") == pytest.approx(5, abs=1)


def test_a_light_tenant_does_not_wait_behind_a_flood() -> None:
    queue = AdmissionQueue(Limits(kv_tokens=1000, max_running=1, max_queue_tokens=10**6))
    for _ in range(500):
        queue.offer(work("flood", output=10), 0.0)
    _serve_one(queue, 0.0)
    light = work("light", output=10)
    queue.offer(light, 0.0)
    assert "light" in [_serve_name(queue, 0.0) for _ in range(2)]


def test_a_flood_leaves_room_in_the_queue_and_a_short_wait_to_others() -> None:
    limits = Limits(kv_tokens=1000, max_running=1, max_queue_tokens=20_000, max_queue_wait_s=1e6)
    queue = AdmissionQueue(limits)
    queue.seed_rate(100)
    flood = [queue.offer(work("flood"), 0.0) for _ in range(1000)]
    assert not flood[-1].accepted
    light = queue.offer(work("light"), 0.0)
    assert light.accepted
    assert light.expected_wait_s < flood[-1].expected_wait_s / 10


def test_outputs_are_charged_as_they_are_generated() -> None:
    queue = AdmissionQueue(Limits(kv_tokens=10_000, max_running=2, max_queue_tokens=10**6))
    talker = work("talker", prompt=10, output=5000)
    queue.offer(talker, 0.0)
    queue.offer(work("reader", prompt=10), 0.0)
    for name in ("talker", "reader") * 3:
        queue.offer(work(name, prompt=10), 0.0)
    assert [w.tenant for w in queue.dispatch(IDLE, 0.0)] == ["talker", "reader"]
    queue.progress(talker.id, 1000, 1.0)
    queue.finish(talker.id, 1.0)
    assert [_serve_name(queue, 1.0) for _ in range(3)] == ["reader"] * 3


@pytest.mark.parametrize("arrive", ["one by one", "all together"])
def test_tenants_that_come_and_go_are_forgotten(arrive: str) -> None:
    queue = AdmissionQueue(Limits(kv_tokens=10**5, max_running=64, max_queue_tokens=10**9))
    names = [f"t{i}" for i in range(5000)]
    together = arrive == "all together"
    if together:
        for name in names:
            queue.offer(work(name, prompt=random.Random(name).randint(1, 500), output=10), 0.0)
    most = 0
    for name in names:
        if not together:
            queue.offer(work(name, prompt=random.Random(name).randint(1, 500), output=10), 0.0)
        most = max(most, queue.known_tenants)
        _serve_all(queue, 0.0)
    assert queue.running == queue.reserved_tokens == 0
    assert most == 5000 if together else most < 100
    for _ in range(600):
        queue.offer(work("after", prompt=500, output=10), 0.0)
        _serve_all(queue, 0.0)
    assert queue.known_tenants < 10


def test_leaving_and_coming_back_is_no_advantage() -> None:
    queue = AdmissionQueue(Limits(kv_tokens=10**4, max_running=1, max_queue_tokens=10**9))
    queue.offer(work("greedy", prompt=1000, output=1), 0.0)
    for _ in range(30):
        queue.offer(work("modest", prompt=100, output=1), 0.0)
    assert _serve_name(queue, 0.0) == "greedy"
    _serve_one(queue, 0.0)
    queue.offer(work("greedy", prompt=1000, output=1), 0.0)
    starts = [_serve_name(queue, 0.0) for _ in range(15)]
    # 1000 tokens of the one weigh as much as ten times 100 of the other.
    assert starts.index("greedy") == pytest.approx(9, abs=1)


def test_room_kept_for_a_long_prompt_goes_back_when_its_tenant_was_served_too_much() -> None:
    limits = Limits(kv_tokens=10_000, max_running=9, max_queue_tokens=10**9, max_queue_wait_s=1e9)
    queue = AdmissionQueue(limits)
    talker = work("talker", prompt=1, output=20_000)
    blocker = work("other", prompt=5000, output=1)
    for each in (talker, blocker):
        queue.offer(each, 0.0)
    queue.dispatch(IDLE, 0.0)
    long = work("talker", prompt=6000, output=1)
    small, large = work("guest", prompt=10, output=1), work("guest", prompt=5500, output=1)
    for each in (long, small, large):
        queue.offer(each, 0.0)
    assert queue.dispatch(IDLE, 0.0) == [small]
    queue.progress(talker.id, 15_000, 1.0)
    for each in (talker, blocker):
        queue.finish(each.id, 1.0)
    assert queue.dispatch(IDLE, 1.0) == [large]


def _serve_one(queue: AdmissionQueue, now: float) -> float:
    _serve_name(queue, now)
    return now + 0.1


def _serve_name(queue: AdmissionQueue, now: float) -> str:
    return _serve_all(queue, now)[0].tenant


def _serve_all(queue: AdmissionQueue, now: float) -> list[Work]:
    started = queue.dispatch(IDLE, now)
    for each in started:
        queue.progress(each.id, each.max_output_tokens, now)
        queue.finish(each.id, now)
    return started
