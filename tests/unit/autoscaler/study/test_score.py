"""What decisions come to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.study.gaps import Record
from pilotlight_autoscaler.study.score import clairvoyant_s, score
from pilotlight_autoscaler.study.warm import Warm, keep, merged
from tests.unit.autoscaler.study.gap_worlds import NO_HOLES, WHOLE, gaps_of, idle_times

COLD_S = 60.0


def stretches(*parts: tuple[int, float, float]) -> Warm:
    gap, start, stop = zip(*parts, strict=True) if parts else ((), (), ())
    return Warm(np.array(gap, dtype=np.intp), np.array(start, float), np.array(stop, float))


def test_the_first_minute_of_a_gap_is_free_and_a_wake_pays_its_start() -> None:
    found = score(gaps_of([1000.0], per_second=2.0), keep(np.array([60.0])), WHOLE, COLD_S)
    assert (found.idle_s[0], found.wakes[0], found.affected[0]) == (60.0, 1.0, 121.0)


def test_a_replica_that_is_kept_is_paid_until_the_next_request_and_nobody_waits() -> None:
    found = score(gaps_of([1000.0]), keep(np.array([1500.0])), WHOLE, COLD_S)
    assert (found.idle_s[0], found.wakes[0], found.affected[0]) == (940.0, 0.0, 0.0)


def test_a_start_in_time_meets_the_request_warm() -> None:
    found = score(gaps_of([1000.0]), stretches((0, 900.0, 1200.0)), WHOLE, COLD_S)
    assert (found.idle_s[0], found.wakes[0]) == (100.0, 0.0)


def test_a_start_that_is_late_shortens_the_wait() -> None:
    found = score(gaps_of([1000.0], per_second=1.0), stretches((0, 980.0, 1200.0)), WHOLE, COLD_S)
    # 20 s before the request and 40 s after it: 41 requests come until it is ready.
    assert (found.idle_s[0], found.wakes[0], found.affected[0]) == (60.0, 1.0, 41.0)


def test_a_start_for_nobody_is_paid_and_so_is_the_wake_after_it() -> None:
    found = score(gaps_of([1000.0]), stretches((0, 300.0, 500.0)), WHOLE, COLD_S)
    assert (found.idle_s[0], found.wakes[0]) == (260.0, 1.0)


def test_a_start_is_not_broken_off() -> None:
    found = score(gaps_of([1000.0]), stretches((0, 300.0, 301.0)), WHOLE, COLD_S)
    assert found.idle_s[0] == 120.0


def test_holes_cost_nothing_and_wakes_outside_the_record_do_not_count() -> None:
    gaps = gaps_of([1000.0, 1000.0])
    forever = keep(np.full(2, math.inf))
    hole = Record(0.0, 1e6, np.array([[200.0, 500.0]]))
    assert score(gaps, forever, hole, COLD_S).idle_s.tolist() == [640.0, 940.0]
    late = Record(1010.0, 1e6, NO_HOLES)
    found = score(gaps, keep(np.full(2, 60.0)), late, COLD_S)
    assert (found.wakes.tolist(), found.idle_s.tolist()) == ([0.0, 1.0], [0.0, 60.0])


def test_an_open_gap_wakes_nobody() -> None:
    gaps = gaps_of([1000.0])
    open_gap = type(gaps)(gaps.begin_s, gaps.end_s, np.array([False]), gaps.burst * 0)
    found = score(open_gap, keep(np.array([60.0])), WHOLE, COLD_S)
    assert (found.wakes[0], found.affected[0], found.idle_s[0]) == (0.0, 0.0, 0.0)
    assert clairvoyant_s(open_gap, WHOLE, COLD_S)[0] == 0.0


def test_a_cold_start_longer_than_the_bursts_are_known_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 120"):
        score(gaps_of([100.0]), keep(np.array([60.0])), WHOLE, 121.0)


wanted = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 3000), st.floats(1, 2000)), max_size=8
).map(lambda parts: [(gap, start, start + more) for gap, start, more in parts])


@given(wanted)
def test_merged_stretches_cover_what_was_wanted_and_do_not_overlap(
    parts: list[tuple[int, float, float]],
) -> None:
    found = merged(stretches(*parts), 3, 60.0, COLD_S)
    for gap in range(3):
        mine = found.gap == gap
        start, stop = found.start_s[mine], found.stop_s[mine]
        assert start[0] == 0.0
        assert (start[1:] > stop[:-1]).all()
        for _, low, high in (part for part in parts if part[0] == gap):
            assert ((start <= low + 1e-3) & (stop >= high - 1e-3)).any()


@given(idle_times, wanted, st.floats(5.0, 120.0))
def test_more_warmth_costs_more_and_wakes_no_more(
    lengths: list[float], parts: list[tuple[int, float, float]], cold_s: float
) -> None:
    gaps = gaps_of(lengths, per_second=0.5)
    inside = [part for part in parts if part[0] < len(lengths)]
    less = score(gaps, stretches(*inside), WHOLE, cold_s)
    always = score(gaps, keep(np.full(len(lengths), math.inf)), WHOLE, cold_s)
    assert (always.wakes <= less.wakes).all()
    assert (less.affected <= 1 + 0.5 * cold_s + 1e-9).all()
    assert ((less.wakes == 0) == (less.affected == 0)).all()
    # Nobody does better than who knows the future, but for the minute that is free.
    assert (less.idle_s + 60 >= clairvoyant_s(gaps, WHOLE, cold_s) - 1e-6).all()
