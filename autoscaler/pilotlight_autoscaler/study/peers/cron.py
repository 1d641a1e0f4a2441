"""A floor of one between two hours of the day, searched on the learning week (KEDA's cron)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.study.gaps import KEPT_S, Gaps, Record
from pilotlight_autoscaler.study.peers.break_even import WAKES_S
from pilotlight_autoscaler.study.policy import Family, Setting
from pilotlight_autoscaler.study.population import Service
from pilotlight_autoscaler.study.warm import Indices, Warm

_HOUR_S, _DAY_S = 3600.0, 86400.0
# Every day, or five days in a row with two off: the weekday on which a trace begins is not known.
_DAYS = np.array(
    [[True] * 7] + [[(day - off) % 7 > 1 for day in range(7)] for off in range(7)], dtype=np.bool_
)


@dataclass(frozen=True)
class Hours:
    """When the floor is one: on some days, between two hours; over midnight if the end is less."""

    days: tuple[bool, ...]
    start: int
    hours: int

    def stretches(self, record: Record) -> Floats:
        """Begin and end of each, shape (stretches, 2), in seconds."""
        first, last = int(record.begin_s // _DAY_S) - 1, int(record.end_s // _DAY_S) + 1
        days = [day for day in range(first, last) if self.days[day % 7]]
        begin = np.array(days, dtype=np.float64) * _DAY_S + self.start * _HOUR_S
        return np.stack([begin, begin + self.hours * _HOUR_S], axis=1)


class Week:
    """The learning week of one service, hour by hour; both arrays have the shape (7, 24).

    Args:
        idle_s: Idle seconds.
        ends: Gaps that ended.
    """

    def __init__(self, gaps: Gaps, record: Record) -> None:
        self.idle_s, self.ends = _idle(gaps, record), _ends(gaps)


class Memory:
    """The week that was asked for last: the same for many prices."""

    def __init__(self) -> None:
        self._last: tuple[Gaps, Week] | None = None

    def of(self, service: Service) -> Week:
        """The learning week of a service."""
        if self._last is None or self._last[0] is not service.learning:
            self._last = service.learning, Week(service.learning, service.learnt)
        return self._last[1]


@dataclass(frozen=True)
class Cron:
    """The hours that cost least in the learning week, at a price of a wake.

    Args:
        wake_s: The price, in seconds of a replica.
        memory: Shared by settings that differ in nothing but the price.
    """

    wake_s: float
    memory: Memory = field(default_factory=Memory, compare=False)

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """The parts of each gap that lie within the hours."""
        hours = search(self.memory.of(service), self.wake_s)
        whole = Record(service.learnt.begin_s, service.scored.end_s, service.learnt.holes)
        return _within(asked, hours.stretches(whole) if hours else np.empty((0, 2)))


def search(week: Week, wake_s: float) -> Hours | None:
    """The cheapest hours, or none, by idle time within them against wakes outside of them."""
    cost = week.idle_s - wake_s * week.ends
    by_hour = np.stack([cost[days].sum(axis=0) for days in _DAYS])
    sums = np.cumsum(np.concatenate([np.zeros((len(_DAYS), 1)), by_hour, by_hour], axis=1), axis=1)
    starts, lengths = np.arange(24), np.arange(1, 25)
    # Shape (days, starts, lengths).
    found = sums[:, starts[:, None] + lengths] - sums[:, starts, None]
    days, start, length = np.unravel_index(np.argmin(found), found.shape)
    if not found[days, start, length] < 0:
        return None
    return Hours(tuple(bool(day) for day in _DAYS[days]), int(start), int(lengths[length]))


def cron() -> Family:
    """One stretch of hours a day for each service."""
    memory = Memory()
    return Family("cron", tuple(Setting(Cron(wake, memory), {"wake_s": wake}) for wake in WAKES_S))


def _idle(gaps: Gaps, record: Record) -> Floats:
    """Idle seconds in each hour of the week, shape (7, 24)."""
    edges = np.arange(169) * _HOUR_S
    begin = np.clip(gaps.begin_s[:, None] + KEPT_S, edges[:-1], edges[1:])
    end = np.clip(gaps.end_s[:, None], edges[:-1], edges[1:])
    return np.asarray(record.known_s(begin, end).sum(axis=0).reshape(7, 24))


def _ends(gaps: Gaps) -> Floats:
    """Gaps that end in each hour of the week, shape (7, 24)."""
    hour: NDArray[np.intp] = (gaps.end_s[gaps.ended] // _HOUR_S).astype(np.intp) % 168
    return np.bincount(hour, minlength=168).astype(np.float64).reshape(7, 24)


def _within(gaps: Gaps, stretches: Floats) -> Warm:
    start = np.maximum(gaps.begin_s[:, None], stretches[:, 0]) - gaps.begin_s[:, None]
    stop = np.minimum(gaps.end_s[:, None], stretches[:, 1]) - gaps.begin_s[:, None]
    gap: Indices
    gap, stretch = np.nonzero(stop > start)
    # Past the gap's end, as far as is planned, not as far as it came.
    until = stretches[stretch, 1] - gaps.begin_s[gap]
    return Warm(gap, start[gap, stretch], until)
