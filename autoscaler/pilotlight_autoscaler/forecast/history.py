"""What is kept of a history: its idle times, and a calendar of when there was traffic."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pilotlight_autoscaler.demand import Demand, Flags, Floats
from pilotlight_autoscaler.forecast.ages import FIRST_S, HOUR_S, SLEEP_S, SLOT_S

Bins = NDArray[np.int64]

SETTLED_S = 600.0
"""From this age on an idle time counts for the calendar: before, age says more than the clock."""


LATELY_S = 600.0
"""Traffic so long before an idle time tells something of how long it will be."""


@dataclass(frozen=True, eq=False)
class Gaps:
    """Idle times longer than :data:`SLEEP_S`, oldest first; all arrays have the shape (gaps,).

    Args:
        start_s: When the last request before it was seen to be over, seconds since the epoch.
        length_s: How long it was idle, as far as known.
        ended: Whether a request ended it; otherwise the record broke off.
        burst: Requests that came within one cold start of its end.
        before: Requests in the :data:`LATELY_S` before its start.
    """

    start_s: Floats
    length_s: Floats
    ended: Flags
    burst: Floats
    before: Floats

    @property
    def end_s(self) -> Floats:
        """When each was over, or no longer known."""
        return self.start_s + self.length_s

    def last(self, count: int) -> "Gaps":
        """The newest."""
        return Gaps(*(getattr(self, field.name)[-count:] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Calendar:
    """Slots of :data:`SLOT_S`, oldest first; all arrays have the shape (slots,).

    Args:
        first: Number of the first slot since the epoch.
        idle_h: Hours in each slot in which idleness was :data:`SETTLED_S` old or older.
        ends: Idle times of that age that a request ended.
        active: 1 if there was any request, else 0.
        known: The share of the slot that was recorded.
    """

    first: int
    idle_h: Floats
    ends: Floats
    active: Floats
    known: Floats


@dataclass(frozen=True, eq=False)
class Pauses:
    """Idle times that lasted longer than :data:`FIRST_S`, oldest first.

    Args:
        over_s: When each was over, or became longer than :data:`SLEEP_S`, shape (pauses,).
        length_s: How long each was, at most :data:`SLEEP_S`.
        before: Requests in the :data:`LATELY_S` before its start.
    """

    over_s: Floats
    length_s: Floats
    before: Floats

    def last(self, count: int) -> "Pauses":
        """The newest."""
        return Pauses(*(getattr(self, field.name)[-count:] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class History:
    """All that a forecast knows of a service."""

    gaps: Gaps
    calendar: Calendar
    pauses: Pauses


@dataclass(frozen=True, eq=False)
class _Runs:
    first: Bins
    stop: Bins
    ended: Flags


def history(demand: Demand, cold_start_s: float) -> History:
    """What is learnt from: idle times that began with a request, and the calendar.

    An idle time that follows a stretch without record has no known age and is left out; one that
    a stretch without record cuts off is kept as "at least so long".

    Args:
        demand: The service's history.
        cold_start_s: How long a start takes, for the size of bursts.
    """
    runs = _runs(demand)
    return History(
        _gaps(demand, runs, cold_start_s), _calendar(demand, runs), _pauses(demand, runs)
    )


def _runs(demand: Demand) -> _Runs:
    """Runs of idle bins right after a bin with traffic: first bin, bin after the last, ended."""
    used = demand.known & ((demand.arrivals > 0) | (demand.concurrency > 0))
    quiet = np.concatenate([[False], demand.known & ~used, [False]])
    turns = np.flatnonzero(quiet[1:] != quiet[:-1])
    first, stop = turns[0::2], turns[1::2]
    after_use = (first > 0) & used[np.maximum(first, 1) - 1]
    first, stop = first[after_use], stop[after_use]
    bins = len(used)
    return _Runs(first, stop, (stop < bins) & used[np.minimum(stop, bins - 1)])


def _starts_s(demand: Demand, runs: _Runs) -> Floats:
    """When runs began: in the mean half a bin before the first bin without a request."""
    return np.asarray(demand.start_s + demand.step_s * (runs.first - 0.5), dtype=np.float64)


def _seconds(demand: Demand, runs: _Runs) -> Floats:
    """How long runs are; a request that ended one came, in the mean, half a bin into its bin."""
    bins = runs.stop - runs.first + 0.5 + np.where(runs.ended, 0.5, 0.0)
    return np.asarray(bins * demand.step_s, dtype=np.float64)


def _gaps(demand: Demand, runs: _Runs, cold_start_s: float) -> Gaps:
    length = _seconds(demand, runs)
    long = length > SLEEP_S
    return Gaps(
        _starts_s(demand, runs)[long],
        length[long],
        runs.ended[long],
        _bursts(demand, runs.stop[long], cold_start_s),
        _before(demand, runs.first[long]),
    )


def _bursts(demand: Demand, first: Bins, cold_start_s: float) -> Floats:
    """Requests within a cold start from the beginning of each bin given."""
    total = np.concatenate([[0.0], np.cumsum(np.where(demand.known, demand.arrivals, 0.0))])
    edges = np.arange(len(total), dtype=np.float64)
    until = np.interp(first + cold_start_s / demand.step_s, edges, total)
    bursts: Floats = np.maximum(until - total[first], 1.0)
    return bursts


def _before(demand: Demand, first: Bins) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(np.where(demand.known, demand.arrivals, 0.0))])
    reach = round(LATELY_S / demand.step_s)
    return np.asarray(total[first] - total[np.maximum(first - reach, 0)], dtype=np.float64)


def _pauses(demand: Demand, runs: _Runs) -> Pauses:
    length = _seconds(demand, runs)
    paused = (length > FIRST_S) & (runs.ended | (length > SLEEP_S))
    length = np.minimum(length[paused], SLEEP_S)
    over = _starts_s(demand, runs)[paused] + length
    return Pauses(over, length, _before(demand, runs.first[paused]))


def _calendar(demand: Demand, runs: _Runs) -> Calendar:
    bins = len(demand.arrivals)
    slot = np.floor((demand.start_s + demand.step_s * (np.arange(bins) + 0.5)) / SLOT_S)
    first = int(slot[0]) if bins else 0
    slot_of = (slot - first).astype(np.int64)
    slots = int(slot_of[-1]) + 1 if bins else 0

    def by_slot(where: Bins, weight: Floats) -> Floats:
        sums = np.bincount(slot_of[where], weights=weight, minlength=slots)[:slots]
        return np.asarray(sums, dtype=np.float64)

    settled = round(SETTLED_S / demand.step_s)
    old = _spans(bins, np.minimum(runs.first + settled, runs.stop), runs.stop)
    ended = runs.ended & (runs.stop - runs.first >= settled)
    known = demand.known.astype(np.float64)
    used = demand.known & ((demand.arrivals > 0) | (demand.concurrency > 0))
    everywhere = np.arange(bins)
    return Calendar(
        first,
        by_slot(everywhere, old * demand.step_s / HOUR_S),
        by_slot(runs.stop[ended], np.ones(int(ended.sum()))),
        np.minimum(by_slot(everywhere, used.astype(np.float64)), 1.0),
        by_slot(everywhere, known) / np.maximum(by_slot(everywhere, np.ones(bins)), 1.0),
    )


def _spans(bins: int, first: Bins, stop: Bins) -> Floats:
    """1 in all bins from ``first`` until before ``stop``, else 0."""
    steps = np.zeros(bins + 1)
    np.add.at(steps, first, 1.0)
    np.add.at(steps, stop, -1.0)
    return np.cumsum(steps)[:bins]
