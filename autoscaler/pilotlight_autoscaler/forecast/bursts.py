"""How many requests will meet a wake: those that come within one cold start of its end."""

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.forecast.ages import DAY_S, HOUR_S
from pilotlight_autoscaler.forecast.history import Gaps

_HOURS = 1.5
_ANY_HOUR = 0.3
_PER_GAP = 0.9


def expected_bursts(gaps: Gaps, at_s: Floats) -> Floats:
    """Mean size of past bursts, recent ones and those of this hour of the day first.

    A mean, not a median: people who wait add up, and large bursts are most of them.

    Args:
        gaps: Past idle times; only those that were over at a time are used for that time.
        at_s: When the idle times begin, shape (times,).
    """
    past = (gaps.end_s[None, :] <= at_s[:, None] + 1.0) & gaps.ended[None, :]
    after = past.sum(axis=1, keepdims=True) - np.cumsum(past, axis=1)
    apart = (gaps.start_s[None, :] - at_s[:, None] + DAY_S / 2) % DAY_S - DAY_S / 2
    near = _ANY_HOUR + np.exp(-0.5 * (apart / HOUR_S / _HOURS) ** 2)
    weights = past * _PER_GAP**after * near
    # One invented burst of one request, of little weight, where nothing is known.
    sums: Floats = (weights @ gaps.burst + 0.01) / (weights.sum(axis=1) + 0.01)
    return sums
