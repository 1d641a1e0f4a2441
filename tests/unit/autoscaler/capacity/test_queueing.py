"""How often all slots are taken: against sums, limits, and a simulation event by event."""

import heapq
from collections.abc import Callable
from math import exp, factorial, log, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.capacity.configuration import Lengths
from pilotlight_autoscaler.capacity.queueing import (
    square_root_slots,
    waiting,
    waiting_of_users,
    waiting_p99_s,
)
from pilotlight_autoscaler.capacity.staffing import Queues, Reserve, waits
from pilotlight_autoscaler.capacity.traffic import Sizes, Traffic

Hold = Callable[[Random], float]

SHAPES: dict[str, Hold] = {
    "exponential": lambda draw: draw.expovariate(1.0),
    "constant": lambda draw: 1.0,
    "scattered": lambda draw: exp(draw.gauss(-log(2) / 2, sqrt(log(2)))),  # cv 1
}


@given(st.integers(1, 40), st.floats(0.01, 39.0))
def test_the_recursion_is_erlangs_sum(slots: int, load: float) -> None:
    if slots <= load:
        assert waiting(slots, load) == 1.0
        return
    top = load**slots / factorial(slots) * slots / (slots - load)
    below = sum(load**k / factorial(k) for k in range(slots))
    assert waiting(slots, load) == pytest.approx(top / (below + top), rel=1e-9)


@given(st.integers(1, 300), st.floats(0.1, 300.0))
def test_one_more_slot_never_makes_more_wait(slots: int, load: float) -> None:
    assert waiting(slots + 1, load) <= waiting(slots, load) + 1e-12


@given(st.integers(1, 60), st.integers(1, 200), st.floats(0.1, 10), st.floats(0.0, 100))
def test_one_more_slot_never_makes_more_users_wait(
    slots: int, users: int, residence_s: float, think_s: float
) -> None:
    more = waiting_of_users(slots + 1, users, residence_s, think_s)
    less = waiting_of_users(slots, users, residence_s, think_s)
    assert 0 <= more <= less + 1e-12 <= 1 + 1e-9


def test_users_without_a_pause_need_a_slot_each() -> None:
    assert waiting_of_users(99, 100, 2.0, 0.0) == 1.0
    assert waiting_of_users(100, 100, 2.0, 0.0) == 0.0


def test_very_many_users_who_seldom_ask_are_an_open_system() -> None:
    users, residence_s, load = 200_000, 1.0, 80.0
    think_s = users * residence_s / load - residence_s
    closed = waiting_of_users(90, users, residence_s, think_s)
    assert closed == pytest.approx(waiting(90, load), rel=0.02)


def test_the_square_root_rule_is_near_the_exact_number() -> None:
    for load in (50.0, 400.0, 3000.0):
        slots = next(s for s in range(int(load), int(load * 2)) if waiting(s, load) <= 0.01)
        assert abs(square_root_slots(load, 0.01) - slots) <= 2


@pytest.mark.parametrize("shape", SHAPES)
def test_a_simulated_pool_of_slots_lets_as_many_wait(shape: str) -> None:
    slots, load = 40, 34.0
    share, _ = pooled(slots, load, 60_000, SHAPES[shape])
    assert share == pytest.approx(waiting(slots, load), abs=0.03)


def test_the_wait_of_a_simulated_pool_has_that_99th_percentile() -> None:
    slots, load = 20, 17.0
    _, waits_s = pooled(slots, load, 120_000, SHAPES["exponential"])
    found = sorted(waits_s)[int(0.99 * len(waits_s))]
    assert found == pytest.approx(waiting_p99_s(slots, load, 1.0), rel=0.15)


def test_simulated_users_who_think_wait_as_often() -> None:
    users, slots, think_s = 120, 26, 4.0
    share = closed(users, slots, think_s, 120_000)
    assert share == pytest.approx(waiting_of_users(slots, users, 1.0, think_s), abs=0.02)


@pytest.mark.parametrize("in_turn", [False, True])
def test_a_queue_at_each_replica_lets_no_more_wait_than_planned(in_turn: bool) -> None:
    replicas, slots, load = 6, 12, 48.0
    share = each(replicas, slots, load, 80_000, in_turn)
    traffic = Traffic(Sizes(Lengths(1, 1)), requests_per_s=load)
    planned = waits(replicas, slots, traffic, traffic.load(1.0), 1.0, Reserve(queues=Queues.EACH))
    if in_turn:
        assert share <= planned + 0.01
    else:
        assert share == pytest.approx(planned, abs=0.02)


def pooled(slots: int, load: float, requests: int, hold: Hold) -> tuple[float, list[float]]:
    """First come, first served by ``slots`` servers: the share that waits, and the waits."""
    draw = Random(slots)
    free_at = [0.0] * slots
    now, waits_s = 0.0, []
    for _ in range(requests):
        now += draw.expovariate(load)
        start = max(now, free_at[0])
        waits_s.append(start - now)
        heapq.heapreplace(free_at, start + hold(draw))
    warm = waits_s[requests // 10 :]
    return sum(wait > 0 for wait in warm) / len(warm), warm


def closed(users: int, slots: int, think_s: float, requests: int) -> float:
    """Users who think, ask, and wait for their answer."""
    draw = Random(users)
    asks = [draw.expovariate(1 / think_s) for _ in range(users)]
    heapq.heapify(asks)
    free_at = [0.0] * slots
    late = seen = 0
    for count in range(requests):
        now = asks[0]
        start = max(now, free_at[0])
        end = start + draw.expovariate(1.0)
        heapq.heapreplace(free_at, end)
        heapq.heapreplace(asks, end + draw.expovariate(1 / think_s))
        if count >= requests // 10:
            seen, late = seen + 1, late + (start > now)
    return late / seen


def each(replicas: int, slots: int, load: float, requests: int, in_turn: bool) -> float:
    """A gateway deals requests out, in turn or at random; each replica queues for itself."""
    draw = Random(replicas)
    free_at = [[0.0] * slots for _ in range(replicas)]
    now, late = 0.0, 0
    for count in range(requests):
        now += draw.expovariate(load)
        mine = free_at[count % replicas if in_turn else draw.randrange(replicas)]
        start = max(now, mine[0])
        heapq.heapreplace(mine, start + draw.expovariate(1.0))
        late += start > now
    return late / requests
