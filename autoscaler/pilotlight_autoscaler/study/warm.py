"""When a replica is to be warm within gaps: what a policy decides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotlight_autoscaler.demand import Floats

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Warm:
    """Times at which a replica is wanted; all arrays have the shape (stretches,), in any order.

    Args:
        gap: In which gap, by its index.
        start_s: From which age of the gap on, in seconds: 0 keeps the replica that is there,
            later ages start one, which is ready a cold start later.
        stop_s: Until which age.
    """

    gap: Indices
    start_s: Floats
    stop_s: Floats

    def shifted(self, by: int) -> "Warm":
        """The same for gaps whose indices are so much higher."""
        return Warm(self.gap + by, self.start_s, self.stop_s)


def keep(ages_s: Floats) -> Warm:
    """Each gap's replica is kept until an age.

    Args:
        ages_s: Shape (gaps,), in seconds; may be infinite.
    """
    count = len(ages_s)
    return Warm(np.arange(count), np.zeros(count), np.asarray(ages_s, dtype=np.float64))


def both(first: Warm, *others: Warm) -> Warm:
    """What any of them wants."""
    parts = (first, *others)
    return Warm(
        np.concatenate([part.gap for part in parts]),
        np.concatenate([part.start_s for part in parts]),
        np.concatenate([part.stop_s for part in parts]),
    )


def merged(warm: Warm, gaps: int, kept_s: float, cold_start_s: float) -> Warm:
    """Stretches that do not overlap, in order: one that starts in each gap's first seconds.

    Args:
        warm: What is wanted.
        gaps: How many gaps there are.
        kept_s: Every gap's replica is kept so long.
        cold_start_s: A start is not broken off: a stretch that begins one lasts at least as long.
    """
    whole = both(keep(np.full(gaps, kept_s)), warm)
    start = np.where(whole.start_s <= kept_s, 0.0, whole.start_s)
    stop = np.where(start > 0, np.maximum(whole.stop_s, start + cold_start_s), whole.stop_s)
    real = stop > start
    gap, start, stop = whole.gap[real], start[real], stop[real]
    order = np.lexsort((start, gap))
    gap, start, stop = gap[order], start[order], stop[order]
    # The gaps one after the other on one line, so that one running maximum serves all.
    finite = np.minimum(stop, _FAR_S)
    reach = np.maximum.accumulate(gap * (2 * _FAR_S) + finite)
    begins = np.r_[True, gap[1:] * (2 * _FAR_S) + start[1:] > reach[:-1]]
    firsts = np.flatnonzero(begins)
    lasts = np.r_[firsts[1:], len(gap)] - 1
    return Warm(gap[firsts], start[firsts], reach[lasts] - gap[firsts] * (2 * _FAR_S))


# Longer than any trace, and short enough for sums to keep milliseconds.
_FAR_S = 1e7
