"""What is taken from a history, and what is not known of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.forecast.history import SETTLED_S, history
from tests.unit.autoscaler.forecast.worlds import HOUR_S, MINUTE_S, MONDAY_S, history_of


def recorded(text: str, minutes_each: int = 10) -> Demand:
    """One letter for ten minutes: ``x`` a request each minute, ``.`` none, ``?`` no record."""
    letters = np.repeat(np.array(list(text)), minutes_each)
    arrivals = np.where(letters == "x", 1.0, 0.0)
    return Demand(MONDAY_S, MINUTE_S, arrivals, arrivals * 0.1, letters != "?")


def test_an_idle_time_between_requests_has_its_begin_its_length_and_its_end() -> None:
    gaps = history(recorded("x...x"), 60.0).gaps
    assert gaps.ended.tolist() == [True]
    # Requests come in the middle of their minutes, in the mean: one before, one after.
    assert gaps.start_s.tolist() == [MONDAY_S + 9.5 * MINUTE_S]
    assert gaps.length_s.tolist() == [31 * MINUTE_S]


def test_what_a_hole_cuts_off_lasted_at_least_so_long() -> None:
    gaps = history(recorded("x..??..x"), 60.0).gaps
    assert gaps.ended.tolist() == [False]
    assert gaps.length_s.tolist() == [20.5 * MINUTE_S]


def test_idle_time_after_a_hole_has_no_age_and_no_idle_time_is_made_of_a_hole() -> None:
    assert len(history(recorded("??..x"), 60.0).gaps.length_s) == 0
    assert len(history(recorded("x??x"), 60.0).gaps.length_s) == 0


def test_an_idle_time_that_goes_on_has_not_ended() -> None:
    assert history(recorded("x.."), 60.0).gaps.ended.tolist() == [False]


@pytest.mark.parametrize(("cold_start_s", "met"), [(60.0, 1.0), (300.0, 5.0), (30.0, 1.0)])
def test_a_burst_is_what_comes_within_one_cold_start(cold_start_s: float, met: float) -> None:
    assert history(recorded("x..x"), cold_start_s).gaps.burst.tolist() == [met]


def test_pauses_are_remembered_by_whether_they_became_sleep() -> None:
    pauses = history(history_of([0, 3, 6, 40, 41], days=0.05), 60.0).pauses
    assert pauses.length_s.tolist() == [180.0, 180.0, 300.0, 300.0]


@given(st.text("x.?", min_size=1, max_size=60))
def test_the_calendar_counts_settled_idleness_once_and_nothing_unknown(text: str) -> None:
    demand = recorded(text)
    calendar = history(demand, 60.0).calendar
    assert calendar.known.sum() * 10 == pytest.approx(demand.known.sum())
    assert calendar.active.sum() == text.count("x")
    assert calendar.idle_h.sum() * HOUR_S <= text.count(".") * 600.0 + 1e-6
    gaps = history(demand, 60.0).gaps
    settled = np.maximum(gaps.length_s - SETTLED_S - MINUTE_S, 0.0).sum()
    assert calendar.idle_h.sum() * HOUR_S >= settled - 1e-6
    assert calendar.ends.sum() == gaps.ended.sum()
