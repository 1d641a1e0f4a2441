"""Moments, as Knative's code sees them.

Times are floats in seconds everywhere; Go counts whole nanoseconds. A float means the nearest
nanosecond, so that neither a bucket nor the end of a panic depends on the last bit of a sum.
"""

import math

NANOSECONDS = 1_000_000_000


def nanoseconds(now_s: float) -> int:
    """The nearest whole nanosecond; the seconds are split off first, so that none is lost."""
    whole = math.floor(now_s)
    return whole * NANOSECONDS + round((now_s - whole) * NANOSECONDS)


def whole_second(now_s: float) -> int:
    """The second that a moment lies in: ``Time.Unix``, and the bucket of a statistic."""
    return nanoseconds(now_s) // NANOSECONDS
