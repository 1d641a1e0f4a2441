"""Nothing flaps: not while demand is the same, and seldom whatever anybody says."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.api.warmpool import WarmPoolStatus
from pilotlight_autoscaler.observation import Revision
from tests.unit.autoscaler.policy.pool import Pool, Told, policy, seen

STEPS = st.lists(st.tuples(st.floats(1, 40), st.integers(0, 3)), min_size=1, max_size=80)


@settings(deadline=None)
@given(STEPS)
def test_whatever_is_asked_for_two_ways_down_are_a_window_apart(
    steps: list[tuple[float, int]],
) -> None:
    pool, lowered = Pool(policy(stabilizationWindowSeconds=60)), []
    for after_s, wish in steps:
        before = pool.status.floor
        pool.look(seen(Told(wish)), after_s)
        assert pool.status.floor >= wish
        if pool.status.floor < before:
            lowered.append(pool.now)
    assert all((later - earlier).total_seconds() >= 60 for earlier, later in pairwise(lowered))


@settings(deadline=None)
@given(STEPS, st.integers(0, 3))
def test_the_floor_is_never_above_what_the_last_window_asked_for(
    steps: list[tuple[float, int]], first: int
) -> None:
    """So that what is kept for steadiness has a price that is known: two windows at most."""
    pool, asked = Pool(policy(stabilizationWindowSeconds=60)), []
    for after_s, wish in [(0.0, first), *steps]:
        pool.look(seen(Told(wish)), after_s)
        asked.append((pool.now, wish))
        recent = [wish for at, wish in asked if (pool.now - at).total_seconds() <= 2 * 60 + 2 * 40]
        assert pool.status.floor <= max(recent)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(1, 60), st.booleans()), max_size=120), st.integers(0, 3))
def test_while_demand_is_the_same_the_floor_changes_once_at_most(
    steps: list[tuple[float, bool]], wish: int
) -> None:
    """Restarts, pods that come and go, and clocks that jump by minutes change nothing."""
    pool, floors = Pool(policy()), []
    for index, (after_s, restarts) in enumerate(steps):
        if restarts:
            stored = pool.status.model_dump_json(by_alias=True)
            pool.status = WarmPoolStatus.model_validate_json(stored)
        jump_s = -90.0 if index % 17 == 16 else 0.0
        pod = Revision("chat-1", percent=100, ready=index % 3, starting=index % 2)
        floors.append(pool.look(seen(Told(wish), pod), after_s + jump_s).status.floor)
    assert set(floors) <= {wish}
