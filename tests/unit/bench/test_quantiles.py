"""Percentiles of samples and ratios of rounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_bench.quantiles import Quantiles, median_ratio, percentile, ratio

FIGURES = st.floats(min_value=0, max_value=1e6)


@given(st.lists(FIGURES, min_size=1, max_size=50), st.floats(min_value=0, max_value=100))
def test_a_percentile_is_numpys(sample: list[float], level: float) -> None:
    assert percentile(sample, level) == pytest.approx(np.percentile(sample, level), abs=1e-6)


def test_the_quantiles_of_nothing_are_no_number() -> None:
    quantiles = Quantiles.of([])
    assert all(math.isnan(value) for value in (quantiles.p50, quantiles.p95, quantiles.p99))


def test_quantiles_do_not_depend_on_order() -> None:
    assert Quantiles.of([3.0, 1.0, 2.0]) == Quantiles.of([1.0, 2.0, 3.0])
    assert Quantiles.of([3.0, 1.0, 2.0]).p50 == 2.0


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"), [(1.0, 2.0, 0.5), (1.0, 0.0, math.inf), (3.0, 3.0, 1.0)]
)
def test_a_ratio_is_ours_over_theirs(ours: float, theirs: float, expected: float) -> None:
    assert ratio(ours, theirs) == expected


def test_nothing_over_nothing_is_no_number() -> None:
    assert math.isnan(ratio(0.0, 0.0))


def test_one_slow_round_does_not_move_the_median_ratio() -> None:
    assert median_ratio([100.0, 10.0, 100.0], [100.0, 100.0, 100.0]) == 1.0


def test_a_drift_that_both_sides_see_cancels_out() -> None:
    assert median_ratio([10.0, 20.0, 40.0], [10.0, 20.0, 40.0]) == 1.0


def test_rounds_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        median_ratio([1.0, 2.0], [1.0, 2.0, 3.0])
