"""Expected waits learn from real ones."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.admission.calibration import MOST, Calibration


@pytest.mark.parametrize("bias", [0.5, 1.0, 2.0])
def test_nine_of_ten_waits_stay_below_what_is_expected(bias: float) -> None:
    source = random.Random(7)
    calibration, longer = Calibration(), 0
    for index in range(3000):
        expected_s = source.uniform(0.5, 10)
        real_s = expected_s * bias * source.lognormvariate(0, 0.2)
        if index >= 1000:
            longer += real_s > expected_s * calibration.factor
        calibration.learn(expected_s, real_s)
    assert 0.05 < longer / 2000 < 0.15


def test_a_bias_is_noticed_within_a_few_waits() -> None:
    calibration = Calibration()
    for _ in range(6):
        calibration.learn(expected_s=2.0, real_s=4.0)
    assert calibration.factor > 1.9


def test_a_short_wait_teaches_nothing() -> None:
    calibration = Calibration()
    calibration.learn(expected_s=0.01, real_s=60)
    assert calibration.factor == 1.0


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4))))
def test_the_factor_stays_within_its_bounds(waits: list[tuple[float, float]]) -> None:
    calibration = Calibration()
    for expected_s, real_s in waits:
        calibration.learn(expected_s, real_s)
    assert 0.99 / MOST < calibration.factor < 1.01 * MOST
