"""Bins of a minute, bounded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.metrics.figures import Figures
from pilotlight_autoscaler.metrics.gaps import gaps_of
from pilotlight_autoscaler.metrics.history import STEP_S, History, join, newest, of_demand, pack
from pilotlight_autoscaler.metrics.trace import UNFOLDED, Trace
from pilotlight_autoscaler.observation import Sample, Signals


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


def _random(seed: int, bins: int, first: int = 1000) -> History:
    dice = np.random.default_rng(seed)
    found = History()
    for at in range(bins):
        start_s = (first + at) * STEP_S
        if dice.random() < 0.9:
            found.add(start_s, start_s + STEP_S, float(dice.poisson(2)), float(dice.random()))
    return found


def _same(ours: History, theirs: History) -> None:
    assert (ours.first, ours.length) == (theirs.first, theirs.length)
    for name in ("arrivals", "work", "watched"):
        used = slice(0, ours.length)
        assert np.array_equal(getattr(ours, name)[used], getattr(theirs, name)[used]), name


@pytest.mark.parametrize("at_hand", [1, 7, 30])
def test_what_is_put_away_comes_back_as_it_was(at_hand: int) -> None:
    whole = _random(at_hand, 300)
    old, new = pack(whole), newest(whole, at_hand)
    _same(join(old, new), whole)
    for history in (whole, new):
        start_s = (history.first + history.length) * STEP_S
        history.add(start_s + 90, start_s + 200, 5.0, 1.0)
    _same(join(old, new), whole)


def test_a_whole_of_two_parts_is_no_longer_than_one() -> None:
    old, new = pack(_random(1, 50)), _random(2, 20, first=1045)
    new.bins = 40
    joined = join(old, new)
    assert (joined.first, joined.length) == (1025, 40)
    _same(newest(joined, 20), newest(new, 20))


def test_a_trace_that_puts_its_past_away_forgets_nothing() -> None:
    trace, plain = Trace(), History()
    for minute in range(2 * UNFOLDED):
        at = 6_000_000.0 + minute * STEP_S
        figures = Figures(at=at, signals=Signals(concurrency=Sample(float(minute % 3))))
        trace.take(figures)
        if minute:
            plain.add(at - STEP_S, at, 0.0, ((minute % 3) + ((minute - 1) % 3)) / 2)
    _same(trace.history, plain)
    assert trace._new.length <= UNFOLDED
