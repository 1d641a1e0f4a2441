"""The bill of today: replicas that were warm without work, and requests that met one or did not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, inf
from zoneinfo import ZoneInfo

from pilotlight.api.warmpool import Counters, WarmPoolPolicy
from pilotlight_autoscaler.observation import PREDICTOR, Counted
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.prices import prices

LONGEST_S = 600.0
"""Nobody saw what was warm in a longer time between two looks: it is not charged for."""


def accounted(look: Look) -> Mapping[str, object]:
    """The fields of the status that make up the bill, brought up to now.

    A day begins at midnight in the time zone of the first schedule, or UTC.
    """
    before, now = look.status, look.now
    began = midnight(look.spec, now)
    is_new_day = before.accounted_at is None or before.accounted_at < began
    cost = 0.0 if is_new_day else before.cost_today
    requests, cold, counters = new_requests(look)
    return {
        "cost_today": round(cost + _cost(look, began), 9),
        "warm_requests": max(0, requests - cold) + (0 if is_new_day else before.warm_requests),
        "cold_requests": cold + (0 if is_new_day else before.cold_requests),
        "counters": counters,
        # What a clock put back has counted already is not counted again.
        "accounted_at": max(before.accounted_at or now, now) if not _jumped(look) else now,
    }


def midnight(spec: WarmPoolPolicy, now: datetime) -> datetime:
    """When today began."""
    zone: tzinfo = ZoneInfo(spec.schedules[0].timezone) if spec.schedules else UTC
    local = now.astimezone(zone)
    return datetime(local.year, local.month, local.day, tzinfo=zone).astimezone(UTC)


def idle_replicas(look: Look) -> int:
    """Those up or starting that the requests in flight do not need."""
    pods = [one for one in look.service.revisions if one.component == PREDICTOR]
    up = sum(one.ready + one.starting for one in pods)
    in_flight = look.seen.recent.concurrency if look.seen.recent else 0.0
    if not 0 < in_flight < inf:
        return up
    target = look.service.target_concurrency
    return max(0, up - (ceil(in_flight / target) if target else 1))


def _cost(look: Look, began: datetime) -> float:
    since = look.status.accounted_at
    if since is None:
        return 0.0
    seconds = (look.now - max(since, began)).total_seconds()
    if not 0 < seconds <= LONGEST_S:
        return 0.0
    return idle_replicas(look) * prices(look).replica_hour * seconds / 3600


def _jumped(look: Look) -> bool:
    """The clock was far ahead when it was last counted."""
    since = look.status.accounted_at
    return since is not None and since - look.now > timedelta(seconds=LONGEST_S)


def new_requests(look: Look) -> tuple[int, int, Counters]:
    """Requests since the last look, those among them that waited for a start, and new marks."""
    counted, marks = look.seen.counted, look.status.counters
    if counted is None:
        return 0, 0, marks
    now = Counters(requests=counted.requests, cold=counted.cold)
    if look.status.accounted_at is None:
        return 0, 0, now
    return *_grown(marks, counted), now


def _grown(marks: Counters, counted: Counted) -> tuple[int, int]:
    # One that began anew has counted from 0.
    if counted.requests < marks.requests or counted.cold < marks.cold:
        return counted.requests, counted.cold
    return counted.requests - marks.requests, counted.cold - marks.cold
