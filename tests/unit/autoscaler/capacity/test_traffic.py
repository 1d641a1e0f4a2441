"""Users, rates and lengths."""

from math import exp, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import lognorm

from pilotlight_autoscaler.capacity.configuration import Lengths
from pilotlight_autoscaler.capacity.traffic import Limits, Sizes, Traffic, quantile

SIZES = Sizes(Lengths(500, 200))


@given(st.floats(1, 1e6), st.floats(0, 1e4), st.floats(0.01, 100), st.floats(1, 10))
def test_users_are_either_in_flight_or_thinking(
    users: float, think_s: float, residence_s: float, peak: float
) -> None:
    load = Traffic(SIZES, users, think_s, peak_to_mean=peak).load(residence_s)
    assert load.in_flight + load.requests_per_s * think_s == pytest.approx(users * peak)
    assert load.in_flight == pytest.approx(load.requests_per_s * residence_s)


def test_users_who_do_not_think_are_all_in_flight() -> None:
    load = Traffic(SIZES, users=10_000).load(2.0)
    assert (load.in_flight, load.requests_per_s) == (10_000, 5_000)


@given(st.floats(0.01, 1e5), st.floats(0.01, 100), st.floats(1, 10))
def test_a_stream_of_requests_comes_whatever_they_take(
    rate: float, residence_s: float, peak: float
) -> None:
    load = Traffic(SIZES, requests_per_s=rate, peak_to_mean=peak).load(residence_s)
    assert load.requests_per_s == pytest.approx(rate * peak)
    assert load.users is None


@given(st.floats(10, 10_000), st.floats(0.05, 3))
def test_long_answers_are_those_of_a_log_normal_length(mean: float, cv: float) -> None:
    reference = lognorm(s=(spread := sqrt(log(1 + cv * cv))), scale=mean / exp(spread**2 / 2))
    assert reference.mean() == pytest.approx(mean)
    assert reference.std() == pytest.approx(mean * cv)
    assert quantile(mean, cv, 0.99) == pytest.approx(reference.ppf(0.99))


def test_lengths_that_do_not_scatter_are_all_the_mean() -> None:
    assert SIZES.long_output == 200
    assert SIZES.long_prompt == 500


def test_limits_are_said_by_their_names() -> None:
    assert str(Limits(ttft_s=2, tpot_s=0.05)) == "TTFT 2 s, TPOT 0.05 s"
