"""Percentiles of samples and ratios of rounds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

SHOWN = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """P50, P95 and P99 of a sample, in the sample's unit; NaN of an empty one."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, sample: Sequence[float]) -> Self:
        """The quantiles of ``sample``, in any order."""
        return cls(*(percentile(sample, level) for level in SHOWN))


def percentile(sample: Sequence[float], level: float) -> float:
    """A percentile with linear interpolation (Hyndman and Fan's type 7, NumPy's default).

    Args:
        sample: Values in any order.
        level: From 0 to 100.
    """
    if not sample:
        return math.nan
    ordered = sorted(sample)
    position = (len(ordered) - 1) * level / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def ratio(ours: float, theirs: float) -> float:
    """``ours / theirs``; infinite over nothing, NaN for nothing over nothing."""
    if theirs == 0:
        return math.nan if ours == 0 else math.inf
    return ours / theirs


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of rounds: a slow minute of the machine touches one round.

    Args:
        ours: One figure per round.
        theirs: The other side's, in the same order.
    """
    return statistics.median(ratio(a, b) for a, b in zip(ours, theirs, strict=True))
