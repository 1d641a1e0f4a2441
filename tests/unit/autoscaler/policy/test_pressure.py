"""Queues and memory inside of the replicas raise the floor, and let it down without flapping."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.api.warmpool import Reason
from pilotlight_autoscaler.observation import Observation, Revision, Sample, Signals
from pilotlight_autoscaler.policy.pressure import HOLD_S
from tests.unit.autoscaler.policy.pool import Pool, policy, seen


def _seen(ready: int, **signals: Sample) -> Observation:
    revision = Revision("chat-1", percent=100, ready=ready)
    return seen(0, revision, signals=Signals(**signals))


def test_a_queue_inside_of_the_replicas_raises_the_floor_before_latency_does() -> None:
    pool = Pool(policy(maxReplicas=8, pressure={"queueDepth": 4}))
    pool.look(_seen(2, queue_depth=Sample(6.0)))
    assert (pool.status.floor, pool.status.reason) == (3, Reason.PRESSURE)
    assert pool.status.message == "6.0 requests wait in each replica of 4, with 2 ready"


def test_a_full_kv_cache_is_pressure_too_and_the_strongest_sign_counts() -> None:
    pool = Pool(policy(maxReplicas=8, pressure={"kvCachePercent": 50, "queueDepth": 4}))
    pool.look(_seen(4, queue_depth=Sample(1.0), kv_cache=Sample(0.9)))
    assert pool.status.floor == 8
    assert "90 % of the KV cache is in use of 50" in pool.status.message


def test_it_asks_for_no_more_than_twice_at_once() -> None:
    pool = Pool(policy(maxReplicas=100))
    pool.look(_seen(3, queue_depth=Sample(400.0)))
    assert pool.status.floor == 6


def test_while_the_new_ones_start_it_asks_for_no_more_of_them() -> None:
    pool = Pool(policy(maxReplicas=100))
    for _ in range(10):
        pool.look(_seen(4, queue_depth=Sample(6.0)), 15)
    assert pool.status.floor == 6


@pytest.mark.parametrize(
    "observation",
    [
        _seen(4, queue_depth=Sample(4.3)),
        _seen(4, queue_depth=Sample(80.0, age_s=120.0)),
        _seen(0, queue_depth=Sample(80.0)),
        _seen(4, gpu=Sample(1.0)),
        _seen(4, kv_cache=Sample(float("nan"))),
    ],
    ids=["little", "old", "nobody", "busy", "nonsense"],
)
def test_what_is_no_pressure_asks_for_nothing(observation: Observation) -> None:
    pool = Pool(policy(maxReplicas=8))
    pool.look(observation)
    assert pool.status.floor == 0


def test_a_limit_of_nothing_is_no_limit() -> None:
    pool = Pool(policy(maxReplicas=8, pressure={"queueDepth": 0}))
    pool.look(_seen(2, queue_depth=Sample(60.0)))
    assert pool.status.floor == 0


def test_it_decays_by_halves() -> None:
    pool = Pool(policy(maxReplicas=8))
    pool.look(_seen(4, queue_depth=Sample(8.0)))
    floors = [pool.status.floor]
    for _ in range(80):
        pool.look(_seen(max(1, pool.status.floor), queue_depth=Sample(0.0)), 15)
        floors.append(pool.status.floor)
    assert list(dict.fromkeys(floors)) == [8, 4, 2, 1, 0]
    assert floors.count(8) * 15 >= HOLD_S


def test_it_does_not_decay_below_what_the_memory_in_use_needs() -> None:
    pool = Pool(policy(maxReplicas=8, pressure={"kvCachePercent": 80}))
    for _ in range(200):
        ready = max(2, pool.status.floor)
        pool.look(_seen(ready, kv_cache=Sample(min(1.0, 2.2 / ready))), 15)
    assert pool.status.floor == 3


@settings(max_examples=8, deadline=None)
@given(st.floats(1, 60), st.floats(1, 10), st.integers(1, 3))
def test_a_steady_load_comes_to_rest_whatever_it_is(
    load: float, capacity: float, started: int
) -> None:
    """A queue hides how many replicas keep it away: the floor tries, ever more seldom."""
    pool = Pool(policy(maxReplicas=16))
    changes = []
    for _ in range(4 * 240):
        ready = max(started, pool.status.floor)
        queue = max(0.0, load / ready - capacity)
        before = pool.status.floor
        pool.look(_seen(ready, queue_depth=Sample(queue)), 15)
        changes.append(pool.status.floor != before)
    hours = [sum(changes[hour * 240 : (hour + 1) * 240]) for hour in range(4)]
    assert hours[0] <= 40
    assert hours[3] <= 12
    assert all(later <= earlier + 4 for earlier, later in pairwise(hours))
