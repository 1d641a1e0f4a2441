"""The floor during a rollout: on the revisions that carry traffic, each by its share."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.observation import Revision, Rollout
from pilotlight_autoscaler.policy.claims import split
from tests.unit.autoscaler.policy.pool import Pool, policy, seen

STABLE = Revision("chat-1", percent=90, ready=4)
CANARY = Revision("chat-2", percent=10)
NAMES = st.sampled_from(["a", "b", "c", "d"])
PERCENTS = st.dictionaries(NAMES, st.integers(1, 100), min_size=1)


def test_both_versions_are_held_in_proportion_and_rounded_up() -> None:
    pool = Pool(policy(maxReplicas=8))
    pool.look(seen(4, STABLE, CANARY))
    assert pool.claimed == {"chat-1": 4, "chat-2": 1}


def test_a_revision_without_traffic_is_not_held() -> None:
    pool = Pool(policy())
    pool.look(seen(2, replace(STABLE, percent=100), replace(CANARY, percent=0)))
    assert pool.claimed == {"chat-1": 2}


def test_the_floor_follows_the_traffic_to_the_new_revision() -> None:
    pool = Pool(policy())
    pool.look(seen(2, replace(STABLE, percent=100)))
    pool.look(seen(2, replace(STABLE, percent=0), replace(CANARY, percent=100)), 15)
    assert pool.claimed == {"chat-2": 2}


def test_the_next_weight_of_a_rollout_is_warm_before_it_has_traffic() -> None:
    pool = Pool(policy(maxReplicas=8))
    ahead = Rollout("chat-1", "chat-2", 50)
    pool.look(seen(4, STABLE, CANARY, rollout=ahead))
    assert pool.claimed == {"chat-1": 4, "chat-2": 2}


def test_while_the_gateway_changes_over_what_was_held_stays() -> None:
    pool = Pool(policy(maxReplicas=8))
    pool.look(seen(4, STABLE, CANARY))
    pool.look(seen(4, replace(STABLE, percent=0), replace(CANARY, percent=0)), 15)
    assert pool.claimed == {"chat-1": 4, "chat-2": 1}


def test_a_revision_that_is_gone_is_claimed_no_more() -> None:
    pool = Pool(policy())
    pool.look(seen(2, STABLE, CANARY))
    pool.look(seen(2, replace(CANARY, percent=0)), 15)
    assert pool.claimed == {"chat-2": 1}


def test_a_floor_of_nothing_is_claimed_too_for_the_template_may_ask_for_more() -> None:
    pool = Pool(policy())
    pool.look(seen(0, replace(STABLE, percent=100, floor=1)))
    assert pool.claimed == {"chat-1": 0}


def test_no_revision_is_claimed_beyond_its_max_scale() -> None:
    pool = Pool(policy(maxReplicas=8))
    pool.look(seen(6, replace(STABLE, percent=100, ceiling=4)))
    assert pool.claimed == {"chat-1": 4}


def test_what_stands_in_front_is_awake_with_one_replica() -> None:
    front = Revision("front-1", component="transformer", percent=100)
    pool = Pool(policy())
    pool.look(seen(3, replace(STABLE, percent=100), front))
    assert pool.claimed == {"chat-1": 3, "front-1": 1}
    asleep = Pool(policy())
    asleep.look(seen(0, replace(STABLE, percent=100), front))
    assert asleep.claimed == {"chat-1": 0, "front-1": 0}


def test_rounding_up_does_not_go_over_the_budget() -> None:
    pool = Pool(policy(budget={"gpus": 4}))
    pool.look(seen(2, STABLE, CANARY, granted=2))
    assert pool.claimed == {"chat-1": 2, "chat-2": 0}


@given(st.integers(0, 50), PERCENTS)
def test_the_parts_come_to_the_floor_and_at_most_one_more_each(
    floor: int, percents: dict[str, int]
) -> None:
    whole = min(100, sum(percents.values()))
    parts = split(floor, percents)
    assert sum(parts.values()) >= floor
    for name, percent in percents.items():
        assert floor * percent / whole <= parts[name] < floor * percent / whole + 1


@given(st.integers(0, 50), PERCENTS, st.integers(0, 60))
def test_the_parts_are_never_more_than_allowed(
    floor: int, percents: dict[str, int], most: int
) -> None:
    parts = split(floor, percents, most)
    free = split(floor, percents)
    assert sum(parts.values()) == min(most, sum(free.values()))
    assert parts == free or all(
        abs(parts[name] - most * percent / sum(percents.values())) < 1
        for name, percent in percents.items()
    )
