"""Waiting lines: nobody runs beyond a limit, nobody overtakes, nobody waits beside a free slot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.simulation.slots import Apart, Replica, Shared


def some(seed: int, count: int, rate: float) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.exponential(1 / rate, count)), rng.exponential(1.0, count) + 0.01


def plain(arrivals: Floats, durations: Floats, slots: int, since_s: float) -> Floats:
    free, begins = [since_s] * slots, []
    for came, lasts in zip(arrivals, durations, strict=True):
        begin = max(came, since_s, min(free))
        free[free.index(min(free))] = begin + lasts
        begins.append(begin)
    return np.array(begins)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0.5, 15))
def test_those_who_wait_together_are_served_in_order(seed: int, slots: int, rate: float) -> None:
    arrivals, durations = some(seed, 600, rate)
    found = Shared(slots).begin(arrivals, durations, 5.0)
    assert found == pytest.approx(plain(arrivals, durations, slots, 5.0))


def test_it_does_not_matter_in_how_many_parts_requests_are_asked_for() -> None:
    arrivals, durations = some(1, 9000, 9.0)
    line = Shared(10)
    parts = [
        line.begin(arrivals[i : i + 700], durations[i : i + 700], 0.0) for i in range(0, 9000, 700)
    ]
    assert np.concatenate(parts) == pytest.approx(Shared(10).begin(arrivals, durations, 0.0))


def test_one_replica_with_its_own_line_is_a_common_line() -> None:
    arrivals, durations = some(2, 2000, 6.0)
    own = Apart([Replica([0.0] * 5)]).begin(arrivals, durations, 0.0)
    assert own == pytest.approx(plain(arrivals, durations, 5, 0.0))


def test_lines_apart_let_more_people_wait_than_a_common_one() -> None:
    arrivals, durations = some(3, 4000, 15.0)
    apart = Apart([Replica([0.0] * 4) for _ in range(4)]).begin(arrivals, durations, 0.0)
    together = Shared(16).begin(arrivals, durations, 0.0)
    assert (apart - arrivals).sum() > (together - arrivals).sum() > 0
    running = [(apart <= now).sum() - (apart + durations <= now).sum() for now in arrivals[::50]]
    assert max(running) <= 16
