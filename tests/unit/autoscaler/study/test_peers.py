"""The policies that Pilotlight's is compared with."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_autoscaler.study.gaps import KEPT_S, Record
from pilotlight_autoscaler.study.peers.break_even import Randomised, cheapest
from pilotlight_autoscaler.study.peers.cron import Cron, Week, search
from pilotlight_autoscaler.study.peers.everybody import peers
from pilotlight_autoscaler.study.peers.histogram import Histogram
from pilotlight_autoscaler.study.policy import Policy, Setting
from pilotlight_autoscaler.study.population import WEEK_S
from pilotlight_autoscaler.study.score import score
from pilotlight_autoscaler.study.warm import keep
from tests.unit.autoscaler.study.gap_worlds import NO_HOLES, WHOLE, gaps_of, idle_times, service_of

HOUR_S, DAY_S = 3600.0, 86400.0


def one_of_each() -> list[Policy]:
    chosen: list[Setting] = []
    for family in peers(60.0):
        chosen += family.settings[:: max(1, len(family.settings) // 5)]
    return [setting.policy for setting in chosen]


@settings(max_examples=25, deadline=None)
@given(idle_times, st.integers(0, 24), st.floats(70.0, 50_000.0))
def test_no_peer_knows_when_a_gap_ends_before_it_has(
    lengths: list[float], which: int, instead: float
) -> None:
    """Changing the length of one gap changes no plan of it or of an earlier one."""
    which = min(which, len(lengths) - 1)
    service = service_of(np.array([0.0, 3000.0, 9000.0, WEEK_S + 10.0]))
    changed = [*lengths[:which], instead, *lengths[which + 1 :]]
    asked, other = (gaps_of(each) for each in (lengths, changed))
    for policy in one_of_each():
        first = policy.plan(service, service.learning, asked)
        second = policy.plan(service, service.learning, other)
        for gap in range(which + 1):
            mine, theirs = first.gap == gap, second.gap == gap
            # A schedule may go on for as long as a gap does: what counts is until the shorter end.
            shorter = min(lengths[gap], changed[gap])
            early, alike = mine & (first.start_s < shorter), theirs & (second.start_s < shorter)
            assert sorted(first.start_s[early]) == sorted(second.start_s[alike])
            assert sorted(first.stop_s[early]) == sorted(second.stop_s[alike])


@given(idle_times, st.floats(1.0, 40_000.0))
def test_the_keep_alive_learnt_is_the_cheapest_that_there_is(
    lengths: list[float], wake_s: float
) -> None:
    gaps = gaps_of(lengths)

    def cost(keep_s: float) -> float:
        found = score(gaps, keep(np.full(len(gaps), keep_s)), WHOLE, 1e-3)
        return float(found.cost(wake_s).sum())

    candidates = [KEPT_S, math.inf, *(length + 0.5 for length in lengths), *lengths]
    best = min(cost(candidate) for candidate in candidates)
    # It keeps for a second longer than needed.
    assert cost(cheapest(gaps, wake_s)) <= best + 2.0 * len(gaps)


@settings(max_examples=20)
@given(st.floats(100.0, 20_000.0), st.floats(61.0, 50_000.0))
def test_a_keep_alive_at_random_costs_little_more_than_its_bound(
    wake_s: float, length: float
) -> None:
    """e/(e-1) of the optimum in expectation, whatever the gap."""
    gaps = gaps_of([length] * 2000)
    plan = Randomised(wake_s).plan(service_of(np.array([0.0])), gaps[:0], gaps)
    cost = score(gaps, plan, WHOLE_YEARS, 1e-3).cost(wake_s).mean()
    optimum = min(length - KEPT_S, wake_s)
    assert cost <= math.e / (math.e - 1) * optimum * 1.02 + 10.0


WHOLE_YEARS = Record(0.0, 1e9, NO_HOLES)


def daily(hour: float, days: int = 14) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Half an hour of requests every day."""
    return np.concatenate(
        [day * DAY_S + hour * HOUR_S + np.arange(0, 1800, 30.0) for day in range(days)]
    )


def test_the_cron_finds_the_hours_of_a_daily_peak() -> None:
    service = service_of(daily(9.5))
    hours = search(Week(service.learning, service.learnt), wake_s=7200.0)
    assert hours is not None
    assert hours.start == 9
    found = score(
        service.scoring,
        Cron(7200.0).plan(service, service.learning, service.scoring),
        service.scored,
        60.0,
    )
    assert found.wakes.sum() == 0
    # Half an hour before and none after the peak's end, each day, in whole hours.
    assert found.idle_s.sum() / HOUR_S <= 7 * 0.6


def test_the_cron_may_rest_on_two_days_of_the_week() -> None:
    times = daily(9.5)
    workdays = times[(times // DAY_S) % 7 < 5]
    service = service_of(workdays)
    hours = search(Week(service.learning, service.learnt), wake_s=7200.0)
    assert hours is not None
    assert hours.days == (True,) * 5 + (False,) * 2


def test_the_cron_does_nothing_where_a_wake_is_cheap() -> None:
    service = service_of(daily(9.5))
    assert search(Week(service.learning, service.learnt), wake_s=60.0) is None


def test_the_histogram_starts_ahead_of_a_gap_that_always_lasts_alike() -> None:
    asked = gaps_of([3630.0] * 30)
    policy = Histogram(head=0.05, tail=0.99, standard_s=300.0, ahead_s=60.0)
    found = score(asked, policy.plan(service_of(np.array([0.0])), asked[:0], asked), WHOLE, 60.0)
    # Nothing is known of the first; then from 60 bins less 10 %, less a start, on.
    assert found.wakes.tolist() == [1.0] + [0.0] * 29
    assert found.idle_s[1:] == pytest.approx(3630.0 - (60 * 60 * 0.9 - 60))


def test_the_histogram_keeps_for_the_standard_time_where_no_pattern_shows() -> None:
    lengths = np.random.default_rng(0).permutation(np.arange(1, 241).repeat(3) * 60.0 + 30.0)
    asked = gaps_of(lengths.tolist())
    policy = Histogram(head=0.05, tail=0.99, standard_s=300.0, ahead_s=60.0)
    plan = policy.plan(service_of(np.array([0.0])), asked[:0], asked)
    # The coefficient of variation of even bins falls under 2 as they fill.
    assert (plan.stop_s[plan.gap > 300] == 300.0).all()


def test_the_histogram_keeps_for_the_standard_time_where_gaps_are_longer_than_it() -> None:
    asked = gaps_of([5 * HOUR_S] * 10)
    policy = Histogram(head=0.05, tail=0.99, standard_s=300.0, ahead_s=60.0)
    plan = policy.plan(service_of(np.array([0.0])), asked[:0], asked)
    assert (plan.stop_s == 300.0).all()
    assert len(plan.gap) == 10
