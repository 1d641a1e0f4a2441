"""When a time on the wall comes, where clocks are put forward and back.

A time that is left out in spring has come when the wall's clock is past it: at the end of the gap.
A time that comes twice in autumn begins something at its first coming and ends something at its
last, so that no window is short of an hour, and none opens twice.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pilotlight.api.cron import CronTimes

_LONGEST_DAYS = 8 * 366 + 2
"""29 February stays away for eight years around 2100."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Moment:
    """A time on the wall, and when it comes; ordered by both, for a gap brings many at once."""

    instant: datetime
    """In UTC."""
    wall: datetime
    """Without a zone."""


@dataclass(frozen=True)
class Bell:
    """Rings at the times of a cron expression, in a time zone.

    Args:
        times: The expression.
        zone: Of the wall.
        last: A time that comes twice rings at its last coming, not at its first.
    """

    times: CronTimes
    zone: ZoneInfo
    last: bool = False

    def before(self, now: datetime) -> Moment | None:
        """The last ring at or before a moment."""
        day = now.astimezone(self.zone).date() + _DAY
        for past in range(_LONGEST_DAYS):
            found = self._last_of(day - past * _DAY, now)
            if found is not None:
                return found
        return None

    def after(self, now: datetime) -> Moment | None:
        """The first ring after a moment."""
        day = now.astimezone(self.zone).date() - _DAY
        for ahead in range(_LONGEST_DAYS):
            found = self._first_of(day + ahead * _DAY, now)
            if found is not None:
                return found
        return None

    def _last_of(self, day: date, now: datetime) -> Moment | None:
        if day not in self.times.days:
            return None
        minutes = self.times.minutes
        at = bisect_right(minutes, now, key=lambda minute: self._ring(day, minute).instant)
        return self._ring(day, minutes[at - 1]) if at else None

    def _first_of(self, day: date, now: datetime) -> Moment | None:
        if day not in self.times.days:
            return None
        minutes = self.times.minutes
        at = bisect_right(minutes, now, key=lambda minute: self._ring(day, minute).instant)
        return self._ring(day, minutes[at]) if at < len(minutes) else None

    def _ring(self, day: date, minute: int) -> Moment:
        wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001
        return Moment(instant_of(wall, self.zone, last=self.last), wall)


def instant_of(wall: datetime, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """When a time on the wall comes, in UTC.

    Args:
        wall: Without a zone.
        zone: Of the wall.
        last: Of two comings the last.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    return _end_of_gap(second, first, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the offset changes, between two instants around it."""
    offset = before.astimezone(zone).utcoffset()
    seconds = range(int((after - before).total_seconds()) + 1)
    changed = bisect_left(
        seconds,
        True,
        key=lambda second: (
            (before + timedelta(seconds=second)).astimezone(zone).utcoffset() != offset
        ),
    )
    return before + timedelta(seconds=changed)
