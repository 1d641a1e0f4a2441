"""Cron's five fields: minute, hour, day of the month, month, day of the week.

What KEDA's cron scaler takes (robfig/cron/v3, its ``ParseStandard`` without descriptors): numbers,
names, lists, ranges and steps, ``?`` for ``*``, ``N/S`` for ``N-last/S``; and 7 for Sunday, as
crontab(5) has it. Where both days are restricted, either is enough.

No library: what is needed is small, is checked where the spec is read (in ``core``, which has few
dependencies), and those that there are decide otherwise what a schedule does when the clocks
change.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_PART = re.compile(r"(?P<first>\*|\?|\w+)(-(?P<last>\w+))?(/(?P<step>[0-9]{1,2}))?")


@dataclass(frozen=True)
class Days:
    """The days on which a cron expression fires."""

    months: frozenset[int]
    of_month: frozenset[int]
    of_week: frozenset[int]
    """0 for Sunday."""
    either: bool
    """Both are restricted, and one of them is enough."""

    def __contains__(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.of_month, day.isoweekday() % 7 in self.of_week
        return of_month or of_week if self.either else of_month and of_week

    @property
    def come(self) -> bool:
        """Whether there is such a day at all: 30 February is none."""
        return self.either or any(
            min(self.of_month) <= _LONGEST.get(month, 31) for month in self.months
        )


@dataclass(frozen=True)
class CronTimes:
    """When a cron expression fires, by the clock on the wall."""

    days: Days
    minutes: tuple[int, ...]
    """Minutes since midnight, rising."""


@lru_cache(maxsize=1024)
def parse(text: str) -> CronTimes:
    """The times of a cron expression.

    Raises:
        ValueError: It is none, or one that never fires.
    """
    if len(text) > 100:
        raise ValueError("a cron expression has at most 100 characters")
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"{text!r} has {len(fields)} fields: minute hour day month weekday")
    minute = _field(fields[0], "minute", 0, 59)
    hour = _field(fields[1], "hour", 0, 23)
    of_month = _field(fields[2], "day of the month", 1, 31)
    month = _field(fields[3], "month", 1, 12, _MONTHS)
    of_week = _field(fields[4], "day of the week", 0, 7, _WEEKDAYS)
    days = Days(
        months=month,
        of_month=of_month,
        of_week=frozenset(day % 7 for day in of_week),
        either=not (_is_open(fields[2]) or _is_open(fields[4])),
    )
    if not days.come:
        raise ValueError(f"{text!r} never comes: no such day in these months")
    return CronTimes(days, tuple(h * 60 + m for h in sorted(hour) for m in sorted(minute)))


def _is_open(field: str) -> bool:
    return any(part in ("*", "?", "*/1", "?/1") for part in field.split(","))


def _field(
    text: str, noun: str, least: int, most: int, names: tuple[str, ...] = ()
) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no {noun}: write it like 5, 1-5, */15 or 1,3")
        values.update(_values(match, noun, least, most, names))
    return frozenset(values)


def _values(
    match: re.Match[str], noun: str, least: int, most: int, names: tuple[str, ...]
) -> range:
    first, last, step = match["first"], match["last"], int(match["step"] or 1)
    if step < 1:
        raise ValueError(f"{match[0]!r}: a step of 0 goes nowhere")
    if first in ("*", "?"):
        if last is not None:
            raise ValueError(f"{match[0]!r} is no {noun}: * has no end")
        # Sunday is not to be there twice.
        return range(least, (6 if names is _WEEKDAYS else most) + 1, step)
    low = _number(first, noun, least, most, names)
    high = low if last is None else _number(last, noun, least, most, names)
    if last is None and match["step"]:
        high = 6 if names is _WEEKDAYS else most
    if low > high:
        raise ValueError(f"{match[0]!r} is no {noun}: it ends before it begins")
    return range(low, high + 1, step)


def _number(text: str, noun: str, least: int, most: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + least
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise ValueError(f"{text!r} is no {noun}: from {least} to {most}")
    return int(text)


def _anyone(*numbers: str) -> str:
    one = f"({'|'.join(numbers)})"
    part = f"([*?]|{one}(-{one})?)(/[0-9]{{1,2}})?"
    return f"{part}(,{part})*"


def _named(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("".join(f"[{c}{c.upper()}]" for c in name) for name in names)


PATTERN = r"^" + r"\s+".join(
    (
        _anyone("[0-5]?[0-9]"),
        _anyone("[01]?[0-9]", "2[0-3]"),
        _anyone("0?[1-9]", "[12][0-9]", "3[01]"),
        _anyone("0?[1-9]", "1[0-2]", *_named(_MONTHS)),
        _anyone("0?[0-7]", *_named(_WEEKDAYS)),
    )
) + "$"  # fmt: skip
"""What an API server can tell: numbers in their bounds, but not that a range is turned around."""


def _checked(text: str) -> str:
    parse(text)
    return text


Cron = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "maxLength": 100}),
]
"""Five fields, as text."""
