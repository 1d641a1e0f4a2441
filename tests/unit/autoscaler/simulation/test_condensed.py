"""Busy stretches as rates: the same people wait, and replica time differs by little."""

import numpy as np
import pytest

from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.simulation.condensed import condense
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.simulation.outcome import Outcome
from pilotlight_autoscaler.simulation.policies import Fixed
from pilotlight_autoscaler.simulation.run import simulate_load
from pilotlight_autoscaler.simulation.service import ServiceModel

SERVICE = ServiceModel(40.0)


def half_a_day(seed: int) -> Load:
    """Traffic that rises, falls and stops for hours, with a few stragglers."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(0, 43200, 60.0)
    rates = np.maximum(0, 8 * np.sin(minutes / 43200 * 4 * np.pi)) + 0.002
    arrivals = np.sort(
        np.concatenate(
            [
                minute + rng.uniform(0, 60, rng.poisson(rate * 60))
                for minute, rate in zip(minutes, rates, strict=True)
            ]
        )
    )
    return Load(arrivals, rng.exponential(6.0, len(arrivals)) + 0.1)


@pytest.mark.parametrize("target", [10.0, None])
def test_the_shortcut_changes_nobodys_wait_and_hardly_the_replica_time(
    target: float | None,
) -> None:
    load, settings = half_a_day(0), KpaSettings(target=target)
    short = condense(load)
    whole = simulate_load(load, SERVICE, settings, Fixed(0))
    quick = simulate_load(short, SERVICE, settings, Fixed(0))

    assert len(short.arrivals) < len(load.arrivals) / 10
    assert quick.requests == whole.requests
    assert quick.waits_s.tolist() == whole.waits_s.tolist()
    assert quick.wakes == whole.wakes > 0
    assert quick.idle_s(60) == pytest.approx(whole.idle_s(60), rel=0.001)
    assert quick.replica_s == pytest.approx(whole.replica_s, rel=0.02)


def test_an_arrival_that_stands_for_many_is_as_good_as_so_many() -> None:
    load = half_a_day(1)
    few, many = load.arrivals[::20], np.full(len(load.arrivals[::20]), 3)
    lasts = np.full(len(few), 4.0)

    def run(load: Load) -> Outcome:
        return simulate_load(load, SERVICE, KpaSettings(target=5.0), Fixed(0))

    counted = run(Load(few, lasts, counts=many.astype(np.float64)))
    apart = run(Load(np.repeat(few, many), np.repeat(lasts, many)))

    assert counted.desired.counts.tolist() == apart.desired.counts.tolist()
    assert (counted.affected, counted.wakes) == (apart.affected, apart.wakes)
    assert counted.wait_s(0.9) == pytest.approx(apart.wait_s(0.9), abs=0.5)


def test_limits_of_a_replica_need_single_requests() -> None:
    with pytest.raises(ValueError, match="single requests"):
        simulate_load(condense(half_a_day(2)), ServiceModel(40.0, 8), KpaSettings(), Fixed(0))
