"""The measured speed of the engine."""

import math

import pytest

from pilotlight_predictor.admission.rate import ArrivalRate, Load, ServiceRate


def _run(rate: ServiceRate, load: Load, tokens_per_s: float, seconds: float, at: float) -> float:
    """Serve under a load in steps of 0.1 s; returns when it ended."""
    rate.advance(at, load)
    for _ in range(round(seconds * 10)):
        at += 0.1
        rate.serve(tokens_per_s / 10)
        rate.advance(at, load)
    return at


def test_the_rate_of_a_full_engine_is_learned_without_a_seed() -> None:
    rate = ServiceRate()
    _run(rate, Load.SATURATED, 300, 5, at=0.0)
    assert rate.value == pytest.approx(300)


def test_idle_time_does_not_count() -> None:
    rate, now = ServiceRate(), 0.0
    for _ in range(50):
        now = _run(rate, Load.SATURATED, 300, 0.6, at=now)
        now = _run(rate, Load.IDLE, 0, 0.4, at=now)
    assert rate.value == pytest.approx(300, rel=0.02)


def test_an_engine_that_is_not_full_shows_no_less_than_it_could_do() -> None:
    rate = ServiceRate()
    rate.seed(300)
    now = _run(rate, Load.BUSY, 10, 60, at=0.0)
    assert rate.value == 300
    _run(rate, Load.BUSY, 500, 60, at=now)
    assert rate.value == pytest.approx(500, rel=0.02)


def test_a_seed_is_outweighed_by_a_few_seconds_of_real_load() -> None:
    rate = ServiceRate()
    rate.seed(1)
    _run(rate, Load.SATURATED, 300, 6, at=0.0)
    assert rate.value is not None
    assert rate.value > 0.65 * 300


def test_a_rate_that_changes_is_followed() -> None:
    rate = ServiceRate()
    now = _run(rate, Load.SATURATED, 300, 120, at=0.0)
    _run(rate, Load.SATURATED, 100, 40, at=now)
    assert rate.value == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize("wrong", [0.0, -5.0])
def test_a_seed_that_is_no_rate_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ServiceRate().seed(wrong)


def test_arrivals_are_counted_and_forgotten() -> None:
    arrivals = ArrivalRate()
    for step in range(1000):
        arrivals.arrive(20, step / 10)
    assert arrivals.value(100.0) == pytest.approx(200, rel=0.02)
    assert arrivals.value(110.0) == pytest.approx(200 / math.e, rel=0.02)
