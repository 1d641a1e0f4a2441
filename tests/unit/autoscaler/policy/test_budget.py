"""Many services, few GPUs: never over, to whom it is worth most, without flapping."""

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pilotlight_autoscaler.policy.budget.allocation import HOLD_S, MARGIN, allocate
from pilotlight_autoscaler.policy.budget.ask import Ask, Grant, Held

WORTHS = st.lists(st.floats(0, 1e6), max_size=4).map(tuple)
POOLS = "abcdef"


def _asks(gpus: st.SearchStrategy[int]) -> st.SearchStrategy[list[Ask]]:
    one = st.builds(
        Ask,
        pool=st.sampled_from(POOLS),
        replicas=st.integers(0, 5),
        gpus=gpus,
        priority=st.integers(-2, 2),
        worths=WORTHS,
    )
    return st.lists(one, max_size=6, unique_by=lambda ask: ask.pool)


ASKS = _asks(st.integers(0, 8))
HELD = st.builds(
    Held, replicas=st.integers(0, 5), gpus=st.integers(0, 8), held_s=st.floats(0, 10000)
)
BEFORE = st.dictionaries(st.sampled_from(POOLS), HELD)
GPUS = st.integers(-2, 40)


def _counts(grants: dict[str, Grant]) -> dict[str, int]:
    return {pool: grant.replicas for pool, grant in grants.items()}


def _allocate(asks: list[Ask], gpus: int, before: dict[str, Held]) -> dict[str, int]:
    return _counts(dict(allocate(asks, gpus, before)))


def _taken(asks: list[Ask], counts: dict[str, int]) -> int:
    return sum(ask.gpus * counts[ask.pool] for ask in asks)


def _value(asks: list[Ask], counts: dict[str, int]) -> float:
    return sum(sum(list(ask.densities())[: counts[ask.pool]]) * max(1, ask.gpus) for ask in asks)


def _settled(asks: list[Ask], gpus: int, before: dict[str, Held]) -> dict[str, int]:
    """What comes of it when everybody has let go of what was taken away."""
    for _ in range(4):
        counts = _allocate(asks, gpus, before)
        before = {ask.pool: Held(counts[ask.pool], ask.gpus) for ask in asks}
    return counts


@given(ASKS, GPUS, BEFORE)
def test_it_is_never_over_the_budget(asks: list[Ask], gpus: int, before: dict[str, Held]) -> None:
    counts = _allocate(asks, gpus, before)
    assert _taken(asks, counts) <= max(0, gpus)
    assert all(0 <= counts[ask.pool] <= ask.replicas for ask in asks)


@given(ASKS, GPUS, BEFORE)
def test_nor_is_it_together_with_what_others_still_hold(
    asks: list[Ask], gpus: int, before: dict[str, Held]
) -> None:
    counts = _allocate(asks, gpus, before)
    sizes = {ask.pool: ask.gpus for ask in asks}
    held = {pool: one.replicas * one.gpus for pool, one in before.items()}
    both = sum(
        max(held.get(pool, 0), counts.get(pool, 0) * sizes.get(pool, 0))
        for pool in held.keys() | counts.keys()
    )
    assert both <= max(0, gpus, sum(held.values()))


@given(ASKS, GPUS, BEFORE)
def test_the_same_question_has_the_same_answer_in_any_order(
    asks: list[Ask], gpus: int, before: dict[str, Held]
) -> None:
    assert _allocate(asks, gpus, before) == _allocate(asks[::-1], gpus, before)


@given(ASKS, GPUS)
def test_once_settled_it_stays(asks: list[Ask], gpus: int) -> None:
    counts = _settled(asks, gpus, {})
    held = {ask.pool: Held(counts[ask.pool], ask.gpus) for ask in asks}
    assert _allocate(asks, gpus, held) == counts


@given(_asks(st.just(2)), GPUS, st.data())
def test_who_is_worth_more_never_gets_less(asks: list[Ask], gpus: int, data: st.DataObject) -> None:
    assume(asks)
    index = data.draw(st.integers(0, len(asks) - 1))
    one = asks[index]
    more = Ask(
        one.pool,
        one.replicas,
        one.gpus,
        one.priority + data.draw(st.integers(0, 2)),
        tuple(worth * data.draw(st.floats(1, 10)) for worth in one.worths),
    )
    changed = [*asks[:index], more, *asks[index + 1 :]]
    assert _allocate(changed, gpus, {})[one.pool] >= _allocate(asks, gpus, {})[one.pool]


@given(_asks(st.just(2)), st.integers(0, 30), st.integers(0, 10))
def test_more_gpus_take_nothing_from_anybody(asks: list[Ask], gpus: int, more: int) -> None:
    few, many = _allocate(asks, gpus, {}), _allocate(asks, gpus + more, {})
    assert all(many[pool] >= few[pool] for pool in few)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            Ask,
            pool=st.sampled_from("abcd"),
            replicas=st.integers(0, 3),
            gpus=st.integers(1, 4),
            worths=st.lists(st.floats(0, 100), min_size=1, max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda ask: ask.pool,
    ),
    st.integers(1, 16),
)
def test_it_is_worth_almost_as_much_as_the_best_choice(asks: list[Ask], gpus: int) -> None:
    best = max(
        _value(asks, counts)
        for chosen in product(*(range(ask.replicas + 1) for ask in asks))
        if _taken(asks, counts := {a.pool: n for a, n in zip(asks, chosen, strict=True)}) <= gpus
    )
    largest = max(ask.gpus for ask in asks)
    share = 1 - (largest - 1) / gpus
    assert _value(asks, _allocate(asks, gpus, {})) >= share * best - 1e-6


@given(_asks(st.integers(0, 4)), st.integers(0, 20), st.data())
def test_noise_of_a_tenth_moves_nothing(asks: list[Ask], gpus: int, data: st.DataObject) -> None:
    counts = _settled(asks, gpus, {})
    held = {ask.pool: Held(counts[ask.pool], ask.gpus) for ask in asks}
    noisy = [
        Ask(ask.pool, ask.replicas, ask.gpus, ask.priority, tuple(w * noise for w in ask.worths))
        for ask in asks
        for noise in [data.draw(st.floats(0.9, 1.1))]
    ]
    assert _allocate(noisy, gpus, held) == counts


def test_a_replica_goes_where_a_miss_costs_most_per_gpu() -> None:
    large = Ask("large", 1, 4, worths=(8.0,))
    small = Ask("small", 2, 1, worths=(3.0, 2.5))
    assert _allocate([large, small], 4, {}) == {"large": 0, "small": 2}


def test_priority_comes_before_worth_and_takes_even_from_the_young() -> None:
    before = {"rich": Held(1, 1, held_s=1.0)}
    asks = [Ask("rich", 1, 1, worths=(100.0,)), Ask("first", 1, 1, priority=1, worths=(1.0,))]
    assert _settled(asks, 1, before) == {"rich": 0, "first": 1}


@pytest.mark.parametrize(
    ("worth", "held_s", "wins"),
    [
        (10.0 * (1 + MARGIN) - 0.1, HOLD_S, False),
        (10.0 * (1 + MARGIN) + 0.1, HOLD_S, True),
        (1000.0, HOLD_S - 1, False),
    ],
)
def test_a_challenger_needs_a_margin_and_patience(worth: float, held_s: float, wins: bool) -> None:
    before = {"incumbent": Held(1, 1, held_s)}
    asks = [Ask("incumbent", 1, 1, worths=(10.0,)), Ask("challenger", 1, 1, worths=(worth,))]
    assert (_allocate(asks, 1, before)["incumbent"] == 0) is wins


def test_what_was_taken_away_is_given_only_when_it_is_let_go() -> None:
    asks = [Ask("old", 1, 1, worths=(1.0,)), Ask("new", 1, 1, worths=(9.0,))]
    assert _allocate(asks, 1, {"old": Held(1, 1)}) == {"old": 0, "new": 0}
    assert _allocate(asks, 1, {"old": Held(0, 1)}) == {"old": 0, "new": 1}


def test_what_costs_no_gpu_is_always_granted() -> None:
    assert _allocate([Ask("cpu", 3, 0)], 0, {}) == {"cpu": 3}


def test_a_grant_says_what_it_lacks() -> None:
    assert allocate([Ask("a", 3, 2)], 4, {})["a"] == Grant(
        "a", 2, "2 of 3 replicas: 6 GPUs are asked for, 4 shared"
    )


def test_a_pool_cannot_ask_twice() -> None:
    with pytest.raises(ValueError, match="asks twice"):
        allocate([Ask("a", 1, 1), Ask("a", 2, 1)], 4, {})
