"""Bins of a minute, bounded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.metrics.gaps import gaps_of
from pilotlight_autoscaler.metrics.history import History, of_demand


def test_what_crosses_a_minute_is_divided() -> None:
    found = History()
    found.add(30, 150, arrivals=12, concurrency=2)
    demand = found.demand()
    assert demand.start_s == 0
    # Half of the first and of the last minute was watched: the rest is taken to be alike.
    assert demand.arrivals.tolist() == [6, 6, 6]
    assert demand.concurrency.tolist() == [2, 2, 2]
    assert demand.known.all()


def test_a_minute_hardly_watched_is_not_known() -> None:
    found = History()
    found.add(0, 60, 1, 1)
    found.add(600, 620, 5, 1)
    demand = found.demand()
    assert demand.known.tolist() == [True] + [False] * 10
    assert demand.arrivals[-1] == 0


def test_the_oldest_is_forgotten() -> None:
    found = History(bins=5)
    for minute in range(9):
        found.add(minute * 60, minute * 60 + 60, minute, 0)
    demand = found.demand()
    assert demand.arrivals.tolist() == [4, 5, 6, 7, 8]
    assert demand.start_s == 240


def test_a_jump_ahead_forgets_everything_and_takes_no_room() -> None:
    found = History(bins=5)
    found.add(0, 60, 1, 0)
    found.add(1e9, 1e9 + 60, 7, 0)
    demand = found.demand()
    assert len(demand.arrivals) <= 5
    assert demand.arrivals.sum() == pytest.approx(7)


def test_what_is_older_than_all_that_is_remembered_is_left_out() -> None:
    found = History(bins=5)
    found.add(6000, 6060, 1, 0)
    found.add(60, 120, 100, 0)
    assert found.demand().arrivals.tolist() == [1]


@given(
    st.lists(
        st.tuples(st.floats(0.01, 400), st.floats(0, 1000), st.floats(0, 50)),
        min_size=1,
        max_size=40,
    )
)
def test_arrivals_and_work_are_kept_however_the_looks_fall(
    steps: list[tuple[float, float, float]],
) -> None:
    found, at, came, work = History(), 5_000.0, 0.0, 0.0
    for seconds, arrivals, concurrency in steps:
        found.add(at, at + seconds, arrivals, concurrency)
        at, came, work = at + seconds, came + arrivals, work + concurrency * seconds
    assert float(found.arrivals.sum()) == pytest.approx(came, rel=1e-3, abs=1e-3)
    assert float(found.work.sum()) == pytest.approx(work, rel=1e-3, abs=1e-3)
    assert (found.watched <= 60.001).all()


def demand(arrivals: list[float], known: list[bool] | None = None) -> Demand:
    line = np.asarray(arrivals, np.float64)
    flags = np.ones(len(line), np.bool_) if known is None else np.asarray(known, np.bool_)
    return Demand(600.0, 60.0, line, np.zeros(len(line)), flags)


def test_a_history_goes_on_from_prometheus() -> None:
    found = of_demand(demand([1, 2, 3], [True, False, True]), bins=5)
    found.add(780, 840, 9, 0)
    assert found.demand().arrivals.tolist() == [1, 0, 3, 9]
    assert found.demand().known.tolist() == [True, False, True, True]


def test_bins_of_another_length_are_refused() -> None:
    line = np.zeros(3)
    with pytest.raises(ValueError, match="no minutes"):
        of_demand(Demand(0.0, 30.0, line, line, line > 0))


def test_gaps_are_whole_idle_times_and_holes_are_none() -> None:
    known = [True] * 12
    known[8] = False
    assert gaps_of(demand([0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0], known)) == (120, 60)
