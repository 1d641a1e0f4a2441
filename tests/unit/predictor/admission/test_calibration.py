"""Expected waits learn from real ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.admission.calibration import Calibration


def test_waits_that_are_twice_as_long_double_what_is_expected() -> None:
    calibration = Calibration()
    for _ in range(60):
        calibration.learn(expected_s=2.0, real_s=4.0)
    assert calibration.factor == pytest.approx(2.0, rel=0.02)


def test_one_odd_wait_changes_little_and_a_short_one_nothing() -> None:
    calibration = Calibration()
    calibration.learn(expected_s=0.01, real_s=60)
    assert calibration.factor == 1.0
    calibration.learn(expected_s=1.0, real_s=600)
    assert calibration.factor < 1.2


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4))))
def test_the_factor_stays_within_its_bounds(waits: list[tuple[float, float]]) -> None:
    calibration = Calibration()
    for expected_s, real_s in waits:
        calibration.learn(expected_s, real_s)
    assert 0.249 < calibration.factor < 4.001
