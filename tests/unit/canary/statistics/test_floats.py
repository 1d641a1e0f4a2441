"""Sums of what is kept as logarithms."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_canary.statistics.floats import log_mean


@given(st.floats(-1e6, 1e6))
def test_what_has_no_weight_does_not_drown_the_rest(log: float) -> None:
    mean = log_mean(np.array([log, 0.0]), np.array([1.0, 0.0]))
    assert np.isclose(mean, log)
