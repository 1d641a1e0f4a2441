"""The floor of the schedules: who is due now, or within one cold start, and when that changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pilotlight.api.cron import parse
from pilotlight.api.warmpool import Reason, Schedule, Term
from pilotlight_autoscaler.policy.wall_clock import Bell
from pilotlight_autoscaler.policy.words import clock, several


@dataclass(frozen=True)
class Standing:
    """Where a schedule stands at a moment."""

    active: bool
    next_start: datetime | None
    next_end: datetime | None


def standing(schedule: Schedule, now: datetime) -> Standing:
    """Whether a schedule holds now: whichever of start and end came last decides.

    KEDA asks which of them comes next, which is the same, except where both fire at once: there
    this one starts.

    Args:
        schedule: KEDA's fields.
        now: The time, with its zone.
    """
    # Nothing rings within a minute.
    return _standing(schedule, now.astimezone(UTC).replace(second=0, microsecond=0))


@lru_cache(maxsize=4096)
def _standing(schedule: Schedule, now: datetime) -> Standing:
    zone = ZoneInfo(schedule.timezone)
    start, end = Bell(parse(schedule.start), zone), Bell(parse(schedule.end), zone, last=True)
    started, ended = start.before(now), end.before(now)
    upcoming, closing = start.after(now), end.after(now)
    return Standing(
        started is not None and (ended is None or started >= ended),
        upcoming.instant if upcoming else None,
        closing.instant if closing else None,
    )


def schedule_term(
    schedules: Iterable[Schedule], now: datetime, ahead_s: float = 0.0
) -> Term | None:
    """The most replicas of those that are due, or will be within ``ahead_s``.

    Args:
        schedules: Of the spec.
        now: The time, with its zone.
        ahead_s: How long a start takes: so much earlier the floor rises.
    """
    due = [
        Term(reason=Reason.SCHEDULE, replicas=schedule.desired_replicas, message=message)
        for schedule in schedules
        if (message := _why(schedule, now, ahead_s))
    ]
    return max(due, key=lambda term: term.replicas, default=None)


def next_change(
    schedules: Iterable[Schedule], now: datetime, ahead_s: float = 0.0
) -> datetime | None:
    """When a schedule's word changes next, wake-ups included; ``None``: never."""
    lead = timedelta(seconds=ahead_s)
    moments = []
    for schedule in schedules:
        at = standing(schedule, now)
        moments += [start - lead for start in (at.next_start,) if start and start - lead > now]
        moments += [moment for moment in (at.next_start, at.next_end) if moment]
    return min(moments, default=None)


def _why(schedule: Schedule, now: datetime, ahead_s: float) -> str:
    at, zone = standing(schedule, now), ZoneInfo(schedule.timezone)
    replicas = several(schedule.desired_replicas, "replica")
    if at.active:
        until = f" until {clock(at.next_end.astimezone(zone))}" if at.next_end else ""
        return f"the schedule {schedule.start!r} wants {replicas}{until} ({schedule.timezone})"
    if at.next_start and at.next_start - now <= timedelta(seconds=ahead_s):
        begin = clock(at.next_start.astimezone(zone))
        return (
            f"the schedule {schedule.start!r} wants {replicas} at {begin} ({schedule.timezone}): "
            f"a start takes {ahead_s:.0f} s"
        )
    return ""
