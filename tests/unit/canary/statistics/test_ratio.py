"""One interval's e-value, checked against exact sums, an optimiser and another implementation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, nchypergeom_fisher
from ville.proportions import _log_likelihood

from pilotlight_canary.statistics.floats import Floats
from pilotlight_canary.statistics.ratio import Tables, log_e


def tables(x_c: object, n_c: object, x_s: object, n_s: object) -> Tables:
    x_c, n_c, x_s, n_s = np.broadcast_arrays(*(np.asarray(v, float) for v in (x_c, n_c, x_s, n_s)))
    return Tables(x_c, n_c, x_s, n_s)


def gain(given_: Tables, rho: float, canary: float, stable: float) -> Floats:
    shape = given_.canary_total.shape
    return log_e(given_, np.full(shape, rho), np.full((*shape, 1), canary), np.full(shape, stable))[
        ..., 0
    ]


def expectation(
    n_c: int, n_s: int, p_c: float, p_s: float, rho: float, canary: float, stable: float
) -> float:
    x_c, x_s = np.meshgrid(np.arange(n_c + 1), np.arange(n_s + 1), indexing="ij")
    chance = binom.pmf(x_c, n_c, p_c) * binom.pmf(x_s, n_s, p_s)
    e = np.exp(gain(tables(x_c, n_c, x_s, n_s), rho, canary, stable))
    return float((chance * e).sum())


shares = st.floats(0.001, 0.999)


@settings(max_examples=300, deadline=None)
@given(
    n_c=st.integers(0, 12), n_s=st.integers(0, 25), rho=st.floats(1, 4),
    p_s=shares, below=st.just(0.0) | st.floats(1e-6, 1),
    q_s=st.floats(0.001, 0.2), odds=st.floats(1.05, 30),
)  # fmt: skip
def test_a_version_that_is_not_worse_gains_nothing_on_average(
    n_c: int, n_s: int, rho: float, p_s: float, below: float, q_s: float, odds: float
) -> None:
    boundary = rho * q_s
    bet = odds * boundary / (1 - boundary + odds * boundary)
    p_c = below * min(1.0, rho * p_s)
    assert expectation(n_c, n_s, p_c, p_s, rho, bet, q_s) <= 1 + 1e-9


@settings(max_examples=300, deadline=None)
@given(
    n_c=st.integers(0, 12), n_s=st.integers(0, 25), rho=st.floats(1, 4),
    p_s=shares, above=st.floats(0, 1), q_s=st.floats(0.001, 0.2), share=st.floats(0.05, 0.95),
)  # fmt: skip
def test_a_version_that_is_worse_gains_nothing_on_average_by_the_bets_on_a_good_one(
    n_c: int, n_s: int, rho: float, p_s: float, above: float, q_s: float, share: float
) -> None:
    least = min(1.0, rho * p_s)
    p_c = least + above * (1 - least)
    # A stable version that has too many for any canary to have rho times as many.
    p_s = min(p_s, 1 / rho)
    assert expectation(n_c, n_s, p_c, p_s, rho, share * rho * q_s, q_s) <= 1 + 1e-9


def test_requests_need_not_be_alike_within_the_interval() -> None:
    # Means 0.06 and 0.04: the boundary at rho 1.5, but nobody has just that share.
    canary, stable = (0.0, 0.02, 0.16), (0.01, 0.02, 0.03, 0.04, 0.10)
    total = 0.0
    for outcome in product((0, 1), repeat=8):
        pairs = zip(outcome, (*canary, *stable), strict=True)
        chance = np.prod([p if bad else 1 - p for bad, p in pairs])
        table = tables(sum(outcome[:3]), 3, sum(outcome[3:]), 5)
        total += chance * np.exp(gain(table, 1.5, 0.2, 0.04))
    assert total <= 1


@pytest.mark.parametrize(("rho", "canary", "stable"), [(1.5, 0.03, 0.01), (1.2, 0.05, 0.05)])
def test_the_null_is_represented_by_its_nearest_pair(
    rho: float, canary: float, stable: float
) -> None:
    def divergence(s: float) -> float:
        def kl(q: float, p: float) -> float:
            return float(q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p)))

        return 15 * kl(canary, rho * s) + 135 * kl(stable, s)

    found = minimize_scalar(divergence, bounds=(1e-6, 0.5), method="bounded",
                            options={"xatol": 1e-12})  # fmt: skip
    # The expected gain of the bet is its divergence from the nearest pair.
    expected = gain(tables(15 * canary, 15, 135 * stable, 135), rho, canary, stable)
    assert expected == pytest.approx(found.fun, rel=1e-6)


def test_for_rare_errors_it_is_the_likelihood_ratio_of_their_attribution() -> None:
    rho, n_c, n_s, bet = 1.5, 1500, 13_500, 2.0
    for x_c, x_s in ((0, 3), (2, 4), (7, 6)):
        ours = gain(tables(x_c, n_c, x_s, n_s), rho, bet * rho * 1e-4, 1e-4)
        null, alternative = (r * n_c / (r * n_c + n_s) for r in (rho, bet * rho))
        binomial = _log_likelihood(x_c, x_c + x_s, alternative) - _log_likelihood(
            x_c, x_c + x_s, null
        )
        assert ours == pytest.approx(binomial, abs=2e-3)
        at_odds = [
            nchypergeom_fisher.logpmf(x_c, n_c + n_s, x_c + x_s, n_c, odds)
            for odds in (bet * rho, rho)
        ]
        assert ours == pytest.approx(at_odds[0] - at_odds[1], abs=1e-2)


def test_an_interval_without_requests_of_one_version_says_nothing() -> None:
    for table in (tables(0, 0, 3, 100), tables(3, 100, 0, 0), tables(0, 0, 0, 0)):
        assert gain(table, 1.5, 0.05, 0.01) == pytest.approx(0, abs=1e-12)


def test_a_thousand_million_requests_do_not_overflow() -> None:
    assert np.isfinite(gain(tables(3e7, 1e9, 9e7, 9e9), 1.5, 0.3, 0.01))
