"""Gaps: found between requests, with holes masked and weeks apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.study.gaps import Record, find
from pilotlight_autoscaler.traffic.arrivals import Batches
from tests.unit.autoscaler.study.gap_worlds import NO_HOLES, WHOLE


def requests(*times: float, count: float = 1.0) -> Batches:
    return Batches(np.array(times), np.full(len(times), count))


def test_only_pauses_of_more_than_a_minute_are_gaps_and_the_last_has_no_end() -> None:
    gaps = find(requests(0.0, 50.0, 110.0, 171.0), Record(0.0, 1000.0, NO_HOLES))
    assert gaps.begin_s.tolist() == [110.0, 171.0]
    assert gaps.end_s.tolist() == [171.0, 1000.0]
    assert gaps.ended.tolist() == [True, False]


def test_a_burst_counts_what_comes_from_the_end_of_the_gap_on() -> None:
    gaps = find(requests(0.0, 100.0, 100.5, 103.0, 400.0, count=2.0), WHOLE)
    assert gaps.burst[0, :5].tolist() == [2.0, 4.0, 4.0, 6.0, 6.0]
    assert gaps.burst[0, -1] == 6.0
    assert gaps.burst[1, 0] == 2.0
    assert gaps.burst[2].max() == 0.0


def test_a_gap_beside_a_hole_is_left_out_and_one_around_it_is_kept() -> None:
    holes = np.array([[6000.0, 7200.0]])
    record = Record(0.0, 20_000.0, holes)
    last_in_the_window_before = find(requests(5500.0, 9000.0, 9001.0), record)
    assert last_in_the_window_before.begin_s.tolist() == [9001.0]
    first_in_the_window_after = find(requests(1000.0, 7700.0, 7701.0), record)
    assert first_in_the_window_after.begin_s.tolist() == [7701.0]
    around = find(requests(1000.0, 9000.0), record)
    assert around.begin_s.tolist() == [1000.0, 9000.0]


def test_a_gap_over_the_end_of_the_week_is_open_in_one_and_ends_in_the_other() -> None:
    gaps = find(requests(0.0, 500.0, 2000.0, 3000.0), Record(0.0, 4000.0, NO_HOLES))
    before, after = gaps.before(1000.0), gaps.after(1000.0)
    assert (before.end_s.tolist(), before.ended.tolist()) == ([500.0, 1000.0], [True, False])
    assert after.begin_s.tolist() == [500.0, 2000.0, 3000.0]
    assert after.ended.tolist() == [True, True, False]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), max_size=4),
    st.floats(-10, 60),
    st.floats(0, 60),
)
def test_known_time_is_what_a_count_of_small_steps_finds(
    pauses: list[tuple[int, int]], begin: float, length: float
) -> None:
    taken = np.zeros(60, dtype=np.bool_)
    for start, size in pauses:
        taken[start : start + size] = True
    edges = np.flatnonzero(np.diff(np.r_[False, taken, False]))
    holes = edges.reshape(-1, 2).astype(np.float64)
    record = Record(5.0, 55.0, holes)
    step = (np.arange(60_000) + 0.5) / 1000
    counted = (step > begin) & (step < begin + length) & (step > 5) & (step < 55)
    counted &= ~taken[step.astype(int)]
    found = record.known_s(np.array([begin]), np.array([begin + length]))
    assert found[0] == pytest.approx(counted.sum() / 1000, abs=0.02)
