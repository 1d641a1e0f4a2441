"""Bands hold at every look at once."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln

from pilotlight_canary.view.confidence import ALPHA, band


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.floats(1, 20))
def test_the_share_is_inside_its_band(bad: int, total: int, dispersion: float) -> None:
    found = band(min(bad, total), total, dispersion)
    assert found is not None
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_without_answers_there_is_no_band() -> None:
    assert band(0, 0) is None


@pytest.mark.parametrize(("bad", "total"), [(3, 60), (50, 1000), (1, 5000)])
def test_an_edge_is_where_the_mixture_s_martingale_reaches_its_bound(bad: int, total: int) -> None:
    found = band(bad, total)
    assert found is not None
    for p in (found.low, found.high):
        mixture = betaln(0.5 + bad, 0.5 + total - bad) - betaln(0.5, 0.5)
        ratio = mixture - bad * _log(p) - (total - bad) * _log(1 - p)
        assert ratio == pytest.approx(-_log(ALPHA), abs=1e-3)


def _log(value: float) -> float:
    from math import log

    return log(value)


def test_answers_that_come_in_bursts_count_for_less() -> None:
    alone, burst = band(50, 1000), band(50, 1000, dispersion=4)
    assert alone is not None
    assert burst is not None
    assert burst.low < alone.low
    assert alone.high < burst.high


def test_who_looks_after_every_answer_is_wrong_at_most_as_often_as_said() -> None:
    numbers, chance, wrong = random.Random(1), 0.05, 0
    for _ in range(200):
        bad = 0
        for total in range(1, 400):
            bad += numbers.random() < chance
            found = band(bad, total) if total % 10 == 0 else None
            if found and not found.low <= chance <= found.high:
                wrong += 1
                break
    assert wrong <= 200 * ALPHA + 3 * (200 * ALPHA) ** 0.5
