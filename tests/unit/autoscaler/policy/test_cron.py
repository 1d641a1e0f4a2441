"""Cron's five fields, and when they ring in a time zone."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.api.cron import PATTERN, parse
from pilotlight_autoscaler.policy.wall_clock import Bell, instant_of

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # Half an hour.
        "Asia/Kathmandu",
        "Africa/Casablanca",  # Back for Ramadan.
        "America/Santiago",  # At midnight.
        "Pacific/Apia",  # Left out 30 December 2011.
    ]
).map(ZoneInfo)


def _spans(least: int, most: int) -> st.SearchStrategy[str]:
    numbers = st.integers(least, most)
    ranges = st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}")
    stepped = st.tuples(st.one_of(ranges, st.just("*")), st.integers(1, most)).map(
        lambda pair: f"{pair[0]}/{pair[1]}"
    )
    one = st.one_of(st.just("*"), numbers.map(str), ranges, stepped)
    return st.lists(one, min_size=1, max_size=3).map(",".join)


CRONS = st.tuples(_spans(0, 59), _spans(0, 23), _spans(1, 28), _spans(1, 12), _spans(0, 7)).map(
    " ".join
)


def _listed(field: str, least: int, most: int) -> set[int]:
    """A field read the slow way: which numbers it admits."""
    admitted = set()
    for number in range(least, most + 1):
        for part in field.split(","):
            span, _, step = part.partition("/")
            low, _, high = span.partition("-")
            first = least if low == "*" else int(low)
            last = most if low == "*" or (step and not high) else int(high or low)
            if first <= number <= last and (number - first) % int(step or 1) == 0:
                admitted.add(number)
    return admitted


def _rings(text: str, wall: datetime) -> bool:
    minute, hour, day, month, weekday = text.split()
    of_week = {number % 7 for number in _listed(weekday, 0, 7 if "*" not in weekday else 6)}
    of_month = _listed(day, 1, 31)
    open_day = any(part in ("*", "*/1") for part in day.split(","))
    open_week = any(part in ("*", "*/1") for part in weekday.split(","))
    on_day, on_week = wall.day in of_month, wall.isoweekday() % 7 in of_week
    return (
        wall.minute in _listed(minute, 0, 59)
        and wall.hour in _listed(hour, 0, 23)
        and wall.month in _listed(month, 1, 12)
        and (on_day and on_week if open_day or open_week else on_day or on_week)
    )


@settings(max_examples=150, deadline=None)
@given(CRONS, st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1)))  # noqa: DTZ001
def test_a_time_is_in_a_cron_when_each_of_its_fields_admits_it(text: str, wall: datetime) -> None:
    times = parse(text)
    found = wall.date() in times.days and wall.hour * 60 + wall.minute in times.minutes
    assert found == _rings(text, wall)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0 8 * * mon-fri", "0 8 * * 1-5"),
        ("0 8 * JAN,Feb SUN", "0 8 * 1,2 0"),
        ("0 8 ? * ?", "0 8 * * *"),
        ("0 8 * * 7", "0 8 * * 0"),
        ("0 8 * * 5-7", "0 8 * * 0,5,6"),
        ("5/20 * * * *", "5,25,45 * * * *"),
        ("*/20 1-5/2 * * *", "0,20,40 1,3,5 * * *"),
    ],
)
def test_names_and_short_forms_mean_their_numbers(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 8 * *", "has 4 fields"),
        ("60 8 * * *", "'60' is no minute: from 0 to 59"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 8 0 * *", "no day of the month"),
        ("0 8 * 13 *", "no month"),
        ("0 8 * * 8", "no day of the week"),
        ("0 8 * * mon-", "no day of the week"),
        ("5-1 8 * * *", "ends before it begins"),
        ("*-5 8 * * *", "has no end"),
        ("*/0 8 * * *", "goes nowhere"),
        ("a 8 * * *", "'a' is no minute"),
        ("0 8 30 2 *", "never comes"),
        ("0 8 31 4,6 *", "never comes"),
        ("٣ 8 * * *", "no minute"),
    ],
)
def test_what_is_no_cron_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(text)


@given(CRONS)
def test_the_pattern_of_the_api_server_takes_every_cron(text: str) -> None:
    parse(text)
    assert re.fullmatch(PATTERN, text)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("*/5 0-23/2 1,15 jan-MAR Mon,5", True),
        ("5/20 8 ? * 7", True),
        ("60 * * * *", False),
        ("0 24 * * *", False),
        ("0 8 32 * *", False),
        ("0 8 * 13 *", False),
        ("0 8 * * 8", False),
        ("0 8 * * 1-", False),
        ("0 8 * *", False),
        ("0 8 * * * *", False),
    ],
)
def test_the_pattern_of_the_api_server_knows_the_bounds(text: str, taken: bool) -> None:
    assert bool(re.fullmatch(PATTERN, text)) is taken


def test_either_day_is_enough_where_both_are_restricted() -> None:
    days = parse("0 8 13 * fri").days
    assert date(2026, 2, 13) in days
    assert date(2026, 2, 20) in days
    assert date(2026, 4, 13) in days
    assert date(2026, 4, 14) not in days


@pytest.mark.parametrize(
    ("wall", "last", "utc"),
    [
        ("2026-01-05T08:00", False, "2026-01-05T07:00"),
        # 29 March 2026: the clock goes from 2:00 to 3:00.
        ("2026-03-29T02:30", False, "2026-03-29T01:00"),
        ("2026-03-29T02:30", True, "2026-03-29T01:00"),
        ("2026-03-29T03:00", False, "2026-03-29T01:00"),
        # 25 October 2026: from 3:00 to 2:00.
        ("2026-10-25T02:30", False, "2026-10-25T00:30"),
        ("2026-10-25T02:30", True, "2026-10-25T01:30"),
    ],
)
def test_a_missing_hour_rings_at_its_end_and_a_double_one_at_either(
    wall: str, last: bool, utc: str
) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert instant_of(datetime.fromisoformat(wall), BERLIN, last=last) == expected


@settings(max_examples=60, deadline=None)
@given(
    CRONS,
    ZONES,
    st.booleans(),
    st.datetimes(datetime(2011, 12, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_rings_around_a_moment_have_no_ring_between_them(
    text: str, zone: ZoneInfo, last: bool, now: datetime
) -> None:
    bell = Bell(parse(text), zone, last)
    before, after = bell.before(now), bell.after(now)
    assert before is not None
    assert after is not None
    assert before.instant <= now < after.instant
    assert _rings(text, before.wall)
    assert _rings(text, after.wall)
    walls = _minutes_between(before.wall, after.wall)
    assert not any(
        _rings(text, wall) and before.instant < instant_of(wall, zone, last=last) < after.instant
        for wall in walls
    )


def _minutes_between(first: datetime, last: datetime) -> list[datetime]:
    """All of them, or the first and last hours of a long time."""
    minutes = int((last - first).total_seconds() // 60)
    near = [*range(1, min(minutes, 90)), *range(max(1, minutes - 90), minutes)]
    return [first + timedelta(minutes=minute) for minute in near]
