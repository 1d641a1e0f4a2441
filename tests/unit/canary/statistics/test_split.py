"""Whether the traffic is split as told."""

import numpy as np
import pytest
from scipy.stats import binom

from pilotlight_canary.observation import Interval
from pilotlight_canary.statistics import split
from pilotlight_canary.statistics.evidence import begin, update
from pilotlight_canary.statistics.plan import Check, Plan
from pilotlight_canary.statistics.verdict import Outcome, verdict

PLAN = Plan(checks=(Check("errors", 1.5, 0.005),), strata=2)


def looks(shares: dict[str, float], weight: int, count: int, plan: Plan = PLAN) -> Outcome:
    random, evidence = np.random.default_rng(3), begin(plan, {})
    for _ in range(count):
        arrivals = {}
        for stratum, share in shares.items():
            total = int(random.poisson(75))
            canary = int(random.binomial(total, share))
            arrivals[stratum] = (canary, total - canary)
        evidence = update(evidence, Interval(15.0, {}, arrivals), plan, weight)
    return verdict(evidence, plan).outcome


@pytest.mark.parametrize("share", [0.1 / 1.1 / (0.1 / 1.1 + 0.9), 0.1, 0.11 / 1.01])
def test_a_split_that_is_nearly_as_told_gains_nothing_on_average(share: float) -> None:
    n = 300
    canary = np.arange(n + 1, dtype=np.float64)[:, None]
    state = split.advanced(np.zeros((n + 1, 1, split.BETS)), canary, n - canary, 10)
    each, whole = split.evidence_of(state, np.ones(1))
    assert (binom.pmf(canary[:, 0], n, share) * np.exp(whole)).sum() <= 1 + 1e-9
    assert each[:, 0] == pytest.approx(whole)


def test_a_split_as_told_is_no_reason_to_hold() -> None:
    assert looks({"256": 0.1, "+Inf": 0.1}, 10, 1000) is Outcome.CONTINUE


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_a_split_that_is_off_by_a_factor_of_two_is_found_in_minutes(share: float) -> None:
    assert looks({"256": share, "+Inf": share}, 10, 12) is Outcome.MIS_SPLIT


def test_one_stratum_that_is_not_split_is_found_among_others() -> None:
    assert looks({"256": 0.1, "+Inf": 0.2}, 10, 20) is Outcome.MIS_SPLIT


def test_nothing_is_learnt_where_all_or_nothing_is_the_canarys() -> None:
    assert looks({"256": 0.5}, 100, 50) is looks({"256": 0.5}, 0, 50) is Outcome.CONTINUE


def test_traffic_that_is_not_split_at_random_is_not_tested() -> None:
    plan = Plan(checks=PLAN.checks, strata=2, sample_ratio=False)
    assert looks({"256": 0.4}, 10, 50, plan) is Outcome.CONTINUE
