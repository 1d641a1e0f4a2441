"""Ways to tell from a history how soon an idle time will end; each is simple and partly wrong.

An expert says, for every age that the idle time may reach, the rate (per hour) at which the next
request comes, given that none came before: the hazard. All of them are counts of what happened
over the time in which it could have happened, weighted by how much the past occasion resembles
this one, and shrunk towards a coarser expert by a few invented occasions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.forecast.ages import (
    CLASSES_S,
    DAY_S,
    FIRST_S,
    HOUR_S,
    SLEEP_S,
    SLOT_S,
    SMOOTH,
    class_of,
    edges_s,
)
from pilotlight_autoscaler.forecast.history import Calendar, Gaps, History

EXPERTS = (
    "age",
    "recent-age",
    "age-at-this-hour",
    "age-after-such-a-gap",
    "age-after-such-traffic",
    "clock",
    "slot-of-the-day",
    "slot-of-the-hour",
    "slot-of-four-hours",
    "busy-at-this-clock",
    "duty",
    "last-hours",
    "population",
)
"""Their names, in the order of :func:`hazards`."""

_DAYS = (1, 2, 3, 4, 5, 6, 7, 8, 14)
_HOUR_WIDTH = 1.5
"""Hours of the day that resemble each other: one standard deviation."""

_PER_DAY = 0.85
"""What a day weighs against the day after it, in the calendar."""


_PHASE_DAYS = 4.0
"""For so long what comes every hour, or every few, is counted."""

Slots = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Counts:
    """Ends and hours at risk of every past gap by class of age, both (gaps, classes)."""

    ends: Floats
    hours: Floats


def hazards(history: History, population: Floats, at_s: Floats, lately: Floats) -> Floats:
    """Logarithms of rates per hour, shape (times, experts, steps).

    Args:
        history: What is known; only what was over at a time is used for that time.
        population: Rates per hour by class of age that services have in general, (classes,).
        at_s: When the idle times begin, seconds since the epoch, shape (times,).
        lately: Requests in the time before each (LATELY_S); NaN: not known.
    """
    gaps = history.gaps
    past = (gaps.end_s[None, :] <= at_s[:, None] + 1.0).astype(np.float64)
    counts = _counts(gaps)
    fresh = _fresh(gaps, at_s)
    edges = edges_s(at_s)
    middles = (edges[:, 1:] + edges[:, :-1]) / 2
    classes = class_of(middles)
    by_age = [
        np.take_along_axis(_rates(weights, counts, population, prior), classes, axis=1)
        for weights, prior in (
            (past, 1.0),
            (past * _newest_first(past, 0.8), 0.5),
            (past * _same_hour(gaps.start_s, at_s) * fresh, 0.5),
            (past * _same_sequence(gaps.length_s, past, 0.5) * fresh, 0.5),
            (past * _same_traffic(gaps.before, lately) * fresh, 0.5),
        )
    ]
    by_clock = _calendar_experts(history.calendar, at_s, middles)
    return np.stack([*by_age, *by_clock, np.log(population)[classes]], axis=1)


def _counts(gaps: Gaps) -> _Counts:
    count, classes = len(gaps.length_s), len(CLASSES_S) - 1
    ends = np.zeros((count, classes))
    which = np.clip(np.searchsorted(CLASSES_S, gaps.length_s, side="right") - 1, 0, classes - 1)
    ends[np.arange(count), which] = gaps.ended
    spent = np.clip(gaps.length_s[:, None] - CLASSES_S[None, :-1], 0.0, np.diff(CLASSES_S))
    return _Counts(ends, spent / HOUR_S)


def _rates(weights: Floats, counts: _Counts, population: Floats, prior: float) -> Floats:
    """Weighted Kaplan-Meier hazards, smoothed in the age's logarithm; ``prior`` invented ends."""
    ends = weights @ counts.ends @ SMOOTH
    hours = weights @ counts.hours @ SMOOTH
    logs: Floats = np.log((ends + prior) / (hours + prior / population))
    return logs


def _newest_first(past: Floats, factor: float) -> Floats:
    """``factor`` to the number of past gaps that came after each."""
    after = past.sum(axis=1, keepdims=True) - np.cumsum(past, axis=1)
    weights: Floats = factor**after
    return weights


def _fresh(gaps: Gaps, at_s: Floats) -> Floats:
    days = np.maximum(at_s[:, None] - gaps.end_s[None, :], 0.0) / DAY_S
    weights: Floats = np.exp(-days / 4.0)
    return weights


def _same_hour(start_s: Floats, at_s: Floats) -> Floats:
    apart = (start_s[None, :] - at_s[:, None] + DAY_S / 2) % DAY_S - DAY_S / 2
    weights: Floats = np.exp(-0.5 * (apart / HOUR_S / _HOUR_WIDTH) ** 2)
    return weights


def _same_sequence(length_s: Floats, past: Floats, width: float) -> Floats:
    """Resemblance of the one before each to the last one before now, in its logarithm."""
    if not len(length_s):
        return past
    length = np.log(np.maximum(length_s, 1.0))
    before = np.concatenate([length[:1], length[:-1]])
    last = np.maximum(past.sum(axis=1).astype(np.int64) - 1, 0)
    weights: Floats = np.exp(-0.5 * ((before[None, :] - length[last][:, None]) / width) ** 2)
    return weights


def _same_traffic(before: Floats, lately: Floats) -> Floats:
    """Resemblance of the traffic before each to that before now, in its logarithm."""
    apart = np.log1p(before)[None, :] - np.log1p(lately)[:, None]
    weights: Floats = np.exp(-0.5 * (np.nan_to_num(apart) / 0.7) ** 2)
    return weights


@dataclass(frozen=True, eq=False)
class _SoFar:
    """Sums over the slots before each time; all arrays have the shape (times,)."""

    ends: Floats
    idle_h: Floats
    active: Floats
    known: Floats


def _so_far(calendar: Calendar, slot: Slots) -> _SoFar:
    def until(values: Floats) -> Floats:
        return np.concatenate([[0.0], np.cumsum(values)])[slot]

    active = calendar.active * calendar.known
    return _SoFar(
        until(calendar.ends), until(calendar.idle_h), until(active), until(calendar.known)
    )


def _calendar_experts(calendar: Calendar, at_s: Floats, middles_s: Floats) -> list[Floats]:
    start = np.floor(at_s / SLOT_S).astype(np.int64) - calendar.first
    start = np.clip(start, 0, len(calendar.active))
    target = np.floor((at_s[:, None] + middles_s) / SLOT_S).astype(np.int64) - calendar.first
    total = _so_far(calendar, start)
    base = ((total.ends + 1.0) / (total.idle_h + 2.0))[:, None]
    duty = ((total.active + 1.0) / (total.known + 4.0))[:, None]
    flat = np.ones(target.shape)
    return [
        _around(calendar, start, target, base),
        _at_slot(calendar, start, target, base),
        _at_phase(calendar, start, target, base, 6),
        _at_phase(calendar, start, target, base, 24),
        _busy_then(calendar, start, target, duty),
        np.log(duty / (1.0 - duty)) * flat,
        np.log(_lately(calendar, start, total, duty[:, 0]) + 0.02)[:, None] * flat,
    ]


def _lately(calendar: Calendar, start: Slots, total: _SoFar, duty: Floats) -> Floats:
    """Share of the last three hours with traffic."""
    before = _so_far(calendar, np.maximum(start - round(3 * HOUR_S / SLOT_S), 0))
    share: Floats = (total.active - before.active + duty) / (total.known - before.known + 1.0)
    return share


def _around(calendar: Calendar, start: Slots, target: Slots, base: Floats) -> Floats:
    """Ends per idle hour around the same clock on days before."""
    ends, idle = (_smooth(values, 2) for values in (calendar.ends, calendar.idle_h))
    ends, idle = _days_before((ends, idle), (0.0, 0.8), start, target, 6)
    logs: Floats = np.log((ends + 0.7) / (idle + 0.7 / base))
    return logs


def _at_slot(calendar: Calendar, start: Slots, target: Slots, base: Floats) -> Floats:
    """Ends per idle hour in the very slot of the day."""
    hours = SLOT_S / HOUR_S
    pair = (calendar.ends, calendar.idle_h)
    ends, idle = _days_before(pair, (0.0, hours), start, target, 1)
    logs: Floats = np.log((ends + 0.5) / (idle + 0.5 / base))
    return logs


def _busy_then(calendar: Calendar, start: Slots, target: Slots, duty: Floats) -> Floats:
    """Odds of traffic around the same clock on days before."""
    pair = (_smooth(calendar.active * calendar.known, 1), _smooth(calendar.known, 1))
    active, known = _days_before(pair, (0.0, 2.5), start, target, 3)
    share = (active + duty) / (known + 1.0)
    logs: Floats = np.log(share / (1.001 - np.minimum(share, 1.0)) + 1e-3)
    return logs


def _at_phase(calendar: Calendar, start: Slots, target: Slots, base: Floats, period: int) -> Floats:
    """Ends per idle hour in the same slot of every period, lately; relative to all slots."""
    slots = np.arange(len(calendar.ends))
    sums = np.zeros((2, len(slots) + 1, period))
    sums[0, slots + 1, slots % period] = calendar.ends
    sums[1, slots + 1, slots % period] = calendar.idle_h
    sums = np.cumsum(sums, axis=1)
    since = np.maximum(start - round(_PHASE_DAYS * DAY_S / SLOT_S), 0)
    ends, idle = sums[:, start] - sums[:, since]
    mean = (ends.sum(axis=1, keepdims=True) + 1.0) / (idle.sum(axis=1, keepdims=True) + 2.0)
    logs = np.log((ends + 1.0) / (idle + 1.0 / mean) / mean)
    return np.take_along_axis(logs, target % period, axis=1)


def _days_before(
    values: tuple[Floats, Floats],
    within: tuple[float, float],
    start: Slots,
    target: Slots,
    reach: int,
) -> tuple[Floats, Floats]:
    """Weighted sums over the same slot on days before.

    Args:
        values: By slot, two kinds.
        within: What counts on a day on which this very idle time lasted already.
        start: Slots in which the idle times begin, shape (times,).
        target: Slots asked for, shape (times, steps).
        reach: A value tells of so many slots to either side: none that was not over counts.
    """
    sums = (np.zeros(target.shape), np.zeros(target.shape))
    day, slots = round(DAY_S / SLOT_S), len(values[0])
    for days in _DAYS:
        slot = target - day * days
        weight = _PER_DAY**days * (2.0 if days % 7 == 0 else 1.0) * (slot >= 0)
        before = slot < start[:, None] - reach
        index = np.clip(slot, 0, max(slots - 1, 0))
        for total, kind, else_ in zip(sums, values, within, strict=True):
            here = kind[index] if slots else 0.0
            total += weight * np.where(before, here, else_)
    return sums


def _smooth(values: Floats, width: int) -> Floats:
    reach = np.arange(-3 * width, 3 * width + 1)
    kernel = np.exp(-0.5 * (reach / width) ** 2)
    return np.convolve(values, kernel, mode="full")[3 * width :][: len(values)]


PAUSE_EXPERTS = ("all", "newest", "such-traffic", "such-a-pause", "same-hour")
"""Names of the experts on ages before SLEEP_S."""


def pause_hazards(history: History, at_s: Floats, lately: Floats) -> Floats:
    """Logarithms of rates per hour from FIRST_S to SLEEP_S, shape (times, pause experts)."""
    pauses = history.pauses
    past = (pauses.over_s[None, :] <= at_s[:, None]).astype(np.float64)
    ended = (pauses.length_s < SLEEP_S).astype(np.float64)
    hours = np.maximum(pauses.length_s - FIRST_S, 0.0) / HOUR_S
    step = (SLEEP_S - FIRST_S) / HOUR_S
    general = (past @ ended + 1.0) / (past @ hours + 2.0 * step)
    resembling = (
        past * _newest_first(past, 0.9),
        past * _same_traffic(pauses.before, lately) * _newest_first(past, 0.98),
        past * _same_sequence(pauses.length_s, past, 0.3) * _newest_first(past, 0.98),
        past * _same_hour(pauses.over_s - pauses.length_s, at_s),
    )
    rates = [(w @ ended + 1.0) / (w @ hours + 1.0 / general) for w in resembling]
    return np.log(np.stack([general, *rates], axis=1))
