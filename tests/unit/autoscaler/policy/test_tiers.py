"""Warm, asleep or cold: whichever is cheapest, and never more than twice the best."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pilotlight.api.warmpool import Asleep, Reason, Term
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.observation import Observation, Revision, Service
from pilotlight_autoscaler.policy.tiers import (
    Tier,
    break_evens_s,
    envelope,
    tier_after,
    wait_cost,
)
from tests.unit.autoscaler.policy.pool import MONDAY, Pool, policy, seen

WARM, COLD = Tier(3.6, 0.0), Tier(0.0, 60.0)
ASLEEP = st.builds(
    Tier, replica_hour=st.floats(0, 5), wake_s=st.floats(0.1, 100), level=st.integers(1, 2)
)
PER_SECOND = st.floats(0.001, 1)
SLEEPS = {
    "maxReplicas": 2,
    "prices": {"replicaHour": 3.6, "coldStart": 3.5},
    "sleep": [{"level": 1, "replicaHour": 0.36, "wakeSeconds": 2}],
    "stabilizationWindowSeconds": 0,
}


def _cost(tiers: tuple[Tier, ...], tier: Tier, per_second: float, idle_s: float) -> float:
    return tier.replica_hour / 3600 * idle_s + wait_cost(tier, tiers[0], per_second)


def test_between_two_tiers_it_is_the_break_even_of_ski_rental() -> None:
    tiers = envelope((COLD, WARM), 0.05)
    assert tiers == (WARM, COLD)
    # 60 s of waiting at 0.05 and 60 s of a warm replica at 0.001, kept at 0.001 a second.
    assert break_evens_s(tiers, 0.05) == pytest.approx((3060.0,))


@pytest.mark.parametrize(
    "useless",
    [Tier(3.6, 2.0, 1), Tier(5.0, 2.0, 1), Tier(3.5, 59.0, 1), Tier(0.1, 90.0, 1)],
    ids=["as dear", "dearer", "slow and dear", "slower than cold"],
)
def test_a_tier_that_is_never_the_cheapest_is_not_used(useless: Tier) -> None:
    assert envelope((WARM, useless, COLD), 0.05) == (WARM, COLD)


def test_where_sleep_costs_nothing_nobody_is_cold() -> None:
    free = Tier(0.0, 2.0, 1)
    assert envelope((WARM, free, COLD), 0.05) == (WARM, free)


@given(st.lists(ASLEEP, max_size=3), PER_SECOND, st.floats(0, 1e6))
def test_for_a_known_idle_time_it_is_the_cheapest_of_all(
    asleep: list[Tier], per_second: float, idle_s: float
) -> None:
    everything = (WARM, *asleep, COLD)
    tiers = envelope(everything, per_second)
    chosen = _cost(tiers, tier_after(tiers, per_second, idle_s), per_second, idle_s)
    assert chosen <= min(_cost(tiers, tier, per_second, idle_s) for tier in everything) + 1e-6
    limits = break_evens_s(tiers, per_second)
    assert list(limits) == sorted(limits)


@given(st.lists(ASLEEP, max_size=3), PER_SECOND, st.floats(0, 1e6))
def test_going_down_the_envelope_costs_at_most_twice_the_best(
    asleep: list[Tier], per_second: float, idle_s: float
) -> None:
    tiers = envelope((WARM, *asleep, COLD), per_second)
    best = _cost(tiers, tier_after(tiers, per_second, idle_s), per_second, idle_s)
    assume(best > 0)
    edges = [0.0, *(min(limit, idle_s) for limit in break_evens_s(tiers, per_second)), idle_s]
    kept = sum(
        tier.replica_hour / 3600 * (edges[index + 1] - edges[index])
        for index, tier in enumerate(tiers)
    )
    last = tier_after(tiers, per_second, idle_s)
    assert kept + wait_cost(last, tiers[0], per_second) <= 2 * best + 1e-6


def _idle(for_s: float, levels: frozenset[int] = frozenset({1})) -> Observation:
    service = Service(
        "chat",
        "models",
        revisions=(Revision("chat-1", percent=100),),
        sleep_levels=levels,
    )
    recent = Recent(idle_since_s=MONDAY.timestamp() - for_s)
    return Observation(service, recent=recent, cold_start_s=55.0)


def test_a_replica_goes_from_warm_to_asleep_to_cold_as_nobody_comes() -> None:
    states = []
    for for_s in (0, 300, 600, 3000, 20000, 40000, 60000):
        pool = Pool(policy(**SLEEPS))
        pool.look(_idle(for_s))
        states.append((pool.status.floor, sum(one.replicas for one in pool.status.asleep)))
    assert list(dict.fromkeys(states)) == [(1, 0), (0, 1), (0, 0)]


def test_without_a_gpu_that_can_sleep_the_tier_is_not_used_and_that_is_said() -> None:
    with_it, without = Pool(policy(**SLEEPS)), Pool(policy(**SLEEPS))
    with_it.look(_idle(3000.0))
    without.look(_idle(3000.0, frozenset()))
    assert with_it.status.asleep == (Asleep(level=1, replicas=1),)
    assert without.status.asleep == ()
    assert without.status.floor == 1
    assert without.condition("SleepAvailable") == "False"


class Asking:
    """A forecast that keeps a replica where that is cheap, and writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Economics] = []

    def terms(self, recent: Recent, economics: Economics, now_s: float) -> tuple[Term, ...]:
        self.asked.append(economics)
        cheap = economics.keep_per_s < 0.0005
        return (Term(reason=Reason.FORECAST, replicas=2 if cheap else 1),)


def test_each_rung_of_the_ladder_asks_with_its_own_prices_and_horizon() -> None:
    forecast = Asking()
    pool = Pool(policy(**SLEEPS))
    observation = _idle(10.0)
    pool.look(
        Observation(
            observation.service, recent=observation.recent, forecast=forecast, cold_start_s=55.0
        )
    )
    assert [round(one.keep_per_s * 3600, 2) for one in forecast.asked] == [3.24, 0.36]
    assert [one.cold_start_s for one in forecast.asked] == [7.0, 60.0]
    # Together a wake costs what the wait and the time of waking cost.
    warm_to_cold = sum(
        one.wake + one.per_request + one.cold_start_s * one.keep_per_s for one in forecast.asked
    )
    assert warm_to_cold == pytest.approx(3.5 + 60 * 0.001)
    assert (pool.status.floor, pool.status.asleep) == (1, (Asleep(level=1, replicas=1),))


def test_what_sleeps_stays_asleep_while_nobody_sees() -> None:
    pool = Pool(policy(**SLEEPS))
    pool.look(_idle(3000.0))
    pool.look(Observation(_idle(0).service, cold_start_s=55.0), 15)
    assert pool.status.asleep == (Asleep(level=1, replicas=1),)


def test_a_replica_that_costs_nothing_is_never_let_go() -> None:
    pool = Pool(policy(prices={"replicaHour": 0, "coldStart": 1}))
    pool.look(seen(recent=Recent(idle_since_s=MONDAY.timestamp() - 1e7)))
    assert pool.status.floor == 1
