"""The canary against a fixed share of bad."""

import numpy as np
import pytest
from scipy.stats import binom
from ville.evalues import combine
from ville.proportions import _log_likelihood

from pilotlight_canary.statistics.bets import INTOLERABLE, TOLERABLE
from pilotlight_canary.statistics.tolerance import log_intolerable, log_tolerable

ONE = np.ones(1)


def test_a_version_at_the_tolerance_gains_nothing_on_average() -> None:
    for total in (1, 20, 400):
        bad = np.arange(total + 1, dtype=np.float64)
        n, tolerance, one = (np.full(total + 1, value) for value in (total, 0.02, 1.0))
        for share, log_e in ((0.02, log_intolerable), (0.01, log_intolerable),
                             (0.02, log_tolerable), (0.05, log_tolerable)):  # fmt: skip
            log_chance = binom.logpmf(bad, total, share)
            assert np.exp(log_chance + log_e(bad, n, tolerance, one)).sum() <= 1 + 1e-9


def test_it_agrees_with_another_implementation() -> None:
    bad, total, tolerance = 9, 700, 0.005
    odds = INTOLERABLE.alternatives * tolerance / (1 - tolerance)
    for log_e, bets, weights in (
        (log_intolerable, odds / (1 + odds), INTOLERABLE.weights),
        (log_tolerable, TOLERABLE.alternatives * tolerance, TOLERABLE.weights),
    ):
        e = np.exp(
            [_log_likelihood(bad, total, q) - _log_likelihood(bad, total, tolerance) for q in bets]
        )
        ours = log_e(bad * ONE, total * ONE, tolerance * ONE, ONE)
        assert np.exp(ours) == pytest.approx(combine(e, weights=weights))


def test_without_a_tolerance_only_the_comparison_counts() -> None:
    assert log_intolerable(ONE, 10 * ONE, 0 * ONE, ONE) == np.inf
    assert log_tolerable(0 * ONE, 10 * ONE, 0 * ONE, ONE) == -np.inf


def test_a_tolerance_of_everything_is_never_passed() -> None:
    assert log_intolerable(10 * ONE, 10 * ONE, ONE, ONE) < 1e-6
