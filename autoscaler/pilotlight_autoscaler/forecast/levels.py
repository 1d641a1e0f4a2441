"""How many replicas are needed, by time of day and week and by the level of this moment.

The k-th replica is worth its price over a stretch of H seconds where the chance that k are needed
in it, times the cost of a wake, is at least H seconds of a warm replica. So the floor is the
(1 - H / wake) quantile of the need: the newsvendor's critical fractile (Arrow, Harris and
Marschak, Econometrica 19, 1951), not a mean.
"""

from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Demand, Floats
from pilotlight_autoscaler.forecast.ages import DAY_S, SLOT_S

_PER_DAY = 0.85
_DAYS = tuple(range(1, 16))
_MOST_SCALED = 2.0
"""A day is at most so many times as busy, or as calm, as those that it is compared with."""

FEWEST_DAYS = 3
"""Days that must be known at this time of day before a quantile says anything."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Slots of ten minutes, oldest first; both arrays have the shape (slots,).

    Args:
        first: Number of the first slot since the epoch.
        most: The most replicas needed at any time in each slot.
        seen: 1 if at least half of the slot was recorded, else 0.
    """

    first: int
    most: Floats
    seen: Floats


@dataclass(frozen=True)
class Need:
    """What the quantile says.

    Args:
        replicas: The floor.
        quantile: Which quantile that is, from 0 to 1.
        days: On how many days it rests.
    """

    replicas: int
    quantile: float
    days: int


def levels(demand: Demand, per_replica: float) -> Levels:
    """Replicas needed in every slot of a history.

    Args:
        demand: The history.
        per_replica: Requests in flight that one replica takes.
    """
    bins = len(demand.arrivals)
    if not bins:
        return Levels(0, np.zeros(0), np.zeros(0))
    middle = demand.start_s + demand.step_s * (np.arange(bins) + 0.5)
    slot = np.floor(middle / SLOT_S).astype(np.int64)
    index = slot - slot[0]
    most = np.zeros(int(index[-1]) + 1)
    np.maximum.at(most, index, np.where(demand.known, demand.concurrency, 0.0))
    known = np.bincount(index, weights=demand.known) / np.bincount(index)
    # A hair is taken off, so that a mean of exactly one replica's worth is not two replicas.
    needed: Floats = np.ceil(most / per_replica - 1e-6)
    return Levels(int(slot[0]), needed, np.where(known >= 0.5, 1.0, 0.0))


def need(known: Levels, now_s: float, horizon_s: float, replicas_now: float, wake_s: float) -> Need:
    """The floor that pays over the next slot and the time that a start takes.

    Args:
        known: Past needs.
        now_s: The moment, seconds since the epoch.
        horizon_s: How long a start takes.
        replicas_now: What is needed now.
        wake_s: Cost of a wake, in seconds of a warm replica.
    """
    stretch = horizon_s + SLOT_S
    quantile = 1.0 - stretch / wake_s if wake_s > 0 else 0.0
    samples, weights = _days_before(known, now_s, stretch, replicas_now)
    if quantile <= 0 or len(samples) < FEWEST_DAYS:
        return Need(0, max(quantile, 0.0), len(samples))
    order = np.argsort(samples)
    share = np.cumsum(weights[order]) / weights.sum()
    at = int(np.searchsorted(share, quantile - 1e-9))
    return Need(round(float(samples[order][min(at, len(samples) - 1)])), quantile, len(samples))


def _days_before(
    known: Levels, now_s: float, stretch_s: float, replicas_now: float
) -> tuple[Floats, Floats]:
    """The most needed in this stretch on each day before, scaled to the level of now; weights."""
    samples, weights = [], []
    for days in _DAYS:
        begin = int((now_s - days * DAY_S) // SLOT_S) - known.first
        end = int((now_s - days * DAY_S + stretch_s) // SLOT_S) - known.first + 1
        if begin < 0 or end > len(known.most) or not known.seen[begin:end].all():
            continue
        scale = (replicas_now + 1.0) / (known.most[begin] + 1.0)
        scale = min(max(scale, 1.0 / _MOST_SCALED), _MOST_SCALED)
        samples.append(float(np.ceil(known.most[begin:end].max() * scale - 1e-6)))
        weights.append(_PER_DAY**days * (2.0 if days % 7 == 0 else 1.0))
    return np.array(samples), np.array(weights)
