"""What is learned of stable before a rollout."""

import random

import pytest

from pilotlight.api.analysis import Metric, TokenBand
from pilotlight.api.rollout_status import Yardsticks
from pilotlight_canary.metrics.history import band_kept, dispersion, limit_kept
from pilotlight_canary.metrics.past import dispersions, limits_kept
from pilotlight_canary.metrics.snapshot import Counter
from tests.unit.canary.metrics.looks import S1, S2, STABLE, look


def binomial(draw: random.Random, n: int, p: float) -> int:
    return sum(draw.random() < p for _ in range(n))


def test_independent_errors_are_not_dispersed() -> None:
    draw = random.Random(1)
    cells = [{p: (binomial(draw, 100, 0.02), 100.0) for p in "ab"} for _ in range(240)]
    found = dispersion(cells)
    assert found is not None
    assert 1 <= found < 1.35


def test_errors_in_bursts_of_ten_are_ten_times_as_dispersed() -> None:
    draw = random.Random(2)
    cells = [{p: (10.0 * binomial(draw, 50, 0.01), 500.0) for p in "ab"} for _ in range(240)]
    found = dispersion(cells)
    assert found is not None
    assert 7 < found < 14


def test_a_drift_that_both_versions_share_is_no_burst() -> None:
    draw = random.Random(3)
    cells = [{p: (binomial(draw, 200, 0.02 + 0.0005 * i), 200.0) for p in "ab"} for i in range(240)]
    found = dispersion(cells)
    assert found is not None
    assert found < 1.5


@pytest.mark.parametrize(
    "cells", [[], [{"a": (0.0, 1000.0)}] * 100, [{"a": (1.0, 2.0)}] * 10], ids=repr
)
def test_too_little_says_nothing(cells: list[dict[str, tuple[float, float]]]) -> None:
    assert dispersion(cells) is None


def test_the_limit_is_the_first_edge_that_nearly_all_kept() -> None:
    assert limit_kept({0.1: 500, 0.2: 955, 0.4: 1000}, 1000) == 0.2
    assert limit_kept({0.1: 9}, 9) is None


def test_the_band_leaves_a_twentieth_on_each_side() -> None:
    spread = {0.0: 0, 8.0: 40, 64.0: 500, 128.0: 960, 256.0: 1000}
    assert band_kept(spread, 1000) == TokenBand(min=9, max=128)
    assert band_kept({0.0: 200, 8.0: 1000}, 1000) == TokenBand(min=0, max=8)


def test_looks_become_yardsticks() -> None:
    looks = []
    for step in range(60):
        own: dict[Counter, float] = {
            ("within", "256", "1.5"): 9.6 * step,
            ("within", "256", "3"): 10.0 * step,
            ("within", "256", "120"): 10.0 * step,
            ("inter-token", "256", "0.08"): 10.0 * step,
            ("inter-token", "256", "+Inf"): 10.0 * step,
            ("late", "256", "1.5"): 0.4 * step,
        }
        looks.append(look(15.0 * step, {S1: own, S2: own}))
    kept = limits_kept(looks, STABLE)
    assert (kept.first_token_seconds, kept.inter_token_seconds) == (1.5, 0.08)
    assert kept.output_tokens is None
    assert dispersions(looks, [], STABLE, [Metric(name="cache")], Yardsticks()) == {}
