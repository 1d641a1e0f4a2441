"""Ways to tell from a history how soon an idle time will end; each is simple and partly wrong.

An expert says, for every age that the idle time may reach, the rate (per hour) at which the next
request comes, given that none came before: the hazard. All of them are counts of what happened
over the time in which it could have happened, weighted by how much the past occasion resembles
this one, and shrunk towards a coarser expert by a few invented occasions.
"""

from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.forecast.ages import (
    CLASS_OF_STEP,
    CLASSES_S,
    DAY_S,
    FIRST_S,
    HOUR_S,
    MIDDLES_S,
    SLEEP_S,
    SMOOTH,
)
from pilotlight_autoscaler.forecast.history import SLOT_S, Calendar, Gaps, History

EXPERTS = (
    "age",
    "recent-age",
    "age-at-this-hour",
    "age-after-such-a-gap",
    "age-after-such-traffic",
    "clock",
    "busy-at-this-clock",
    "duty",
    "last-hours",
    "population",
)
"""Their names, in the order of :func:`hazards`."""

_DAYS = (1, 2, 3, 4, 5, 6, 7, 8, 14)
_HOUR_WIDTH = 1.5
"""Hours of the day that resemble each other: one standard deviation."""

_REACH = 6
"""So many slots to either side count as around the same clock."""

_PER_DAY = 0.85
"""What a day weighs against the day after it, in the calendar."""


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
    by_age = [
        _rates(weights, counts, population, prior)[:, CLASS_OF_STEP]
        for weights, prior in (
            (past, 1.0),
            (past * _newest_first(past, 0.8), 0.5),
            (past * _same_hour(gaps.start_s, at_s) * _fresh(gaps, at_s), 0.5),
            (past * _same_sequence(gaps.length_s, past, 0.5) * _fresh(gaps, at_s), 0.5),
            (past * _same_traffic(gaps.before, lately) * _fresh(gaps, at_s), 0.5),
        )
    ]
    by_clock = _calendar_experts(history.calendar, at_s)
    general = np.broadcast_to(np.log(population)[CLASS_OF_STEP], by_age[0].shape)
    return np.stack([*by_age, *by_clock, general], axis=1)


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


def _calendar_experts(calendar: Calendar, at_s: Floats) -> list[Floats]:
    slot = np.floor(at_s / SLOT_S).astype(np.int64) - calendar.first
    slot = np.clip(slot, 0, len(calendar.active))
    so_far = {
        name: np.concatenate([[0.0], np.cumsum(values)])
        for name, values in (
            ("idle", calendar.idle_h),
            ("ends", calendar.ends),
            ("active", calendar.active * calendar.known),
            ("known", calendar.known),
        )
    }
    base = (so_far["ends"][slot] + 1.0) / (so_far["idle"][slot] + 2.0)
    duty = (so_far["active"][slot] + 1.0) / (so_far["known"][slot] + 4.0)
    begin = np.maximum(slot - round(3 * HOUR_S / SLOT_S), 0)
    busy = so_far["active"][slot] - so_far["active"][begin] + duty
    lately = busy / (so_far["known"][slot] - so_far["known"][begin] + 1.0)
    ends, idle, active, known = _as_on_days_before(calendar, at_s)
    clock = np.log((ends + 0.7) / (idle + 0.7 / base[:, None]))
    share = (active + duty[:, None]) / (known + 1.0)
    busy_then = np.log(share / (1.001 - np.minimum(share, 1.0)) + 1e-3)
    flat = np.ones(len(MIDDLES_S))
    duty_odds = np.log(duty / (1.0 - duty))
    return [
        clock,
        busy_then,
        duty_odds[:, None] * flat,
        np.log(lately + 0.02)[:, None] * flat,
    ]


def _as_on_days_before(calendar: Calendar, at_s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Ends, idle hours, slots with traffic and slots known around the same clock before."""
    smooth = [_smooth(v, 2) for v in (calendar.ends, calendar.idle_h)]
    smooth += [_smooth(v, 1) for v in (calendar.active * calendar.known, calendar.known)]
    # A day on which this very idle time lasted already is a day without an end.
    within = (0.0, 0.8, 0.0, 2.5)
    day = round(DAY_S / SLOT_S)
    start = np.floor(at_s / SLOT_S).astype(np.int64) - calendar.first
    target = np.floor((at_s[:, None] + MIDDLES_S[None, :]) / SLOT_S).astype(np.int64)
    sums = [np.zeros(target.shape) for _ in smooth]
    for days in _DAYS:
        slot = target - calendar.first - day * days
        weight = _PER_DAY**days * (2.0 if days % 7 == 0 else 1.0) * (slot >= 0)
        before = slot < start[:, None] - _REACH
        index = np.clip(slot, 0, max(len(calendar.active) - 1, 0))
        for total, values, else_ in zip(sums, smooth, within, strict=True):
            here = values[index] if len(values) else np.zeros(index.shape)
            total += weight * np.where(before, here, else_)
    ends, idle, active, known = sums
    return ends, idle, active, known


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
