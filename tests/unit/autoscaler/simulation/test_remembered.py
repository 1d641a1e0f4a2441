"""A load from minutes: the same requests, in flight for the same time."""

import numpy as np
import pytest

from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.simulation.remembered import Remembered, load_of

BINS = 200


def demand(seed: int = 0) -> Demand:
    dice = np.random.default_rng(seed)
    arrivals = dice.poisson(3.0, BINS).astype(float)
    known = np.ones(BINS, dtype=bool)
    known[50:60] = False
    return Demand(6000.0, 60.0, arrivals, arrivals * 0.25, known)


def test_every_request_of_a_known_minute_falls_into_it() -> None:
    given = demand()
    load = load_of(given, 10**6)
    counts, _ = np.histogram(load.arrivals, 6000.0 + 60.0 * np.arange(BINS + 1))
    assert counts.tolist() == np.where(given.known, given.arrivals, 0.0).tolist()
    assert (np.diff(load.arrivals) >= 0).all()


def test_as_much_is_in_flight_as_was_seen() -> None:
    given = demand()
    work = float((given.concurrency * given.known).sum()) * 60.0
    assert float(load_of(given, 10**6).durations.sum()) == pytest.approx(work, rel=1e-6)


def test_what_is_not_known_is_told() -> None:
    assert Remembered(demand(), None, None).unknown == pytest.approx(0.05)
