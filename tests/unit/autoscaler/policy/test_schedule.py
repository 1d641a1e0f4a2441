"""Schedules: when they hold, and how far ahead they wake."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.api.warmpool import Schedule
from pilotlight_autoscaler.policy.schedule import next_change, schedule_term, standing


def _schedule(start: str, end: str, zone: str = "Europe/Berlin", replicas: int = 1) -> Schedule:
    return Schedule(timezone=zone, start=start, end=end, desired_replicas=replicas)


def _active(schedule: Schedule, wall: str, fold: int = 0) -> bool:
    zone = ZoneInfo(schedule.timezone)
    return standing(schedule, datetime.fromisoformat(wall).replace(tzinfo=zone, fold=fold)).active


@pytest.mark.parametrize(
    ("wall", "active"),
    [
        ("2026-03-02T07:59:59", False),
        ("2026-03-02T08:00", True),
        ("2026-03-02T18:59:59", True),
        ("2026-03-02T19:00", False),
        ("2026-03-07T12:00", False),
    ],
)
def test_office_hours_hold_from_start_to_end_on_weekdays(wall: str, active: bool) -> None:
    assert _active(_schedule("0 8 * * 1-5", "0 19 * * 1-5"), wall) is active


def test_a_night_shift_goes_over_midnight() -> None:
    night = _schedule("0 22 * * *", "0 6 * * *")
    assert _active(night, "2026-03-02T23:00")
    assert _active(night, "2026-03-03T05:59")
    assert not _active(night, "2026-03-03T06:00")


def test_where_start_and_end_ring_at_once_it_starts() -> None:
    assert _active(_schedule("0 8 * * *", "0 8,18 * * *"), "2026-03-02T08:30")
    assert not _active(_schedule("0 8 * * *", "0 8,18 * * *"), "2026-03-02T18:30")


def test_a_window_inside_the_missing_hour_does_not_open() -> None:
    inside = _schedule("15 2 * * *", "45 2 * * *")
    assert _active(inside, "2026-03-28T02:30")
    assert not _active(inside, "2026-03-29T03:00")
    assert not _active(inside, "2026-03-29T03:30")


def test_a_start_in_the_missing_hour_comes_at_its_end() -> None:
    early = _schedule("30 2 * * *", "0 6 * * *")
    assert not _active(early, "2026-03-29T01:59:59")
    assert _active(early, "2026-03-29T03:00")


def test_the_double_hour_opens_a_window_once_and_closes_it_at_its_last_coming() -> None:
    inside = _schedule("15 2 * * *", "45 2 * * *")
    assert _active(inside, "2026-10-25T02:30", fold=0)
    assert _active(inside, "2026-10-25T02:50", fold=0)
    assert _active(inside, "2026-10-25T02:10", fold=1)
    assert not _active(inside, "2026-10-25T02:45", fold=1)


def test_the_floor_rises_one_cold_start_before_its_hour() -> None:
    schedules = [_schedule("0 8 * * *", "0 19 * * *", "UTC", 2)]
    eight = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert schedule_term(schedules, eight - timedelta(seconds=91), 90) is None
    woken = schedule_term(schedules, eight - timedelta(seconds=90), 90)
    assert woken is not None
    assert woken.replicas == 2
    assert "wants 2 replicas at Mon 08:00 (UTC): a start takes 90 s" in woken.message
    assert next_change(schedules, eight - timedelta(hours=1), 90) == eight - timedelta(seconds=90)


def test_the_largest_of_the_schedules_that_are_due_counts() -> None:
    schedules = [
        _schedule("0 8 * * *", "0 19 * * *", "UTC", 1),
        _schedule("0 12 * * *", "0 14 * * *", "UTC", 3),
    ]
    noon = schedule_term(schedules, datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert noon is not None
    assert noon.replicas == 3
    assert noon.message == "the schedule '0 12 * * *' wants 3 replicas until Mon 14:00 (UTC)"


TIMES = st.tuples(st.integers(0, 59), st.integers(0, 23)).map(lambda t: f"{t[0]} {t[1]} * * *")
DAYS = st.sampled_from(["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-06-01"])


@settings(max_examples=50, deadline=None)
@given(TIMES, TIMES, DAYS, st.integers(0, 900))
def test_nothing_changes_between_two_announced_changes(
    start: str, end: str, day: str, ahead_s: int
) -> None:
    if start == end:
        return
    schedules = [_schedule(start, end)]
    now = datetime.fromisoformat(day).replace(tzinfo=UTC)
    finish = now + timedelta(days=2)
    while now < finish:
        change = next_change(schedules, now, ahead_s)
        assert change is not None
        assert change > now
        held = [
            schedule_term(schedules, now + (change - now) * part, ahead_s) is not None
            for part in (0.0, 0.3, 0.7, 0.999)
        ]
        assert len(set(held)) == 1
        now = change


@settings(max_examples=50, deadline=None)
@given(TIMES, TIMES, DAYS)
def test_a_daily_window_opens_at_most_once_a_day_even_when_clocks_change(
    start: str, end: str, day: str
) -> None:
    if start == end:
        return
    schedule = _schedule(start, end)
    now = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    finish, openings, was = now + timedelta(days=2), 0, standing(schedule, now).active
    while (change := next_change([schedule], now)) is not None and change < finish:
        now, is_active = change, standing(schedule, change).active
        openings += is_active and not was
        was = is_active
    assert openings <= 2
