"""What a policy's decisions came to."""

from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.study.gaps import KEPT_S, LONGEST_START_S, Gaps, Record
from pilotlight_autoscaler.study.warm import Warm, merged


@dataclass(frozen=True)
class Score:
    """Figures of each gap; all arrays have the shape (gaps,).

    Args:
        idle_s: Replica-seconds without work: warm beyond the gap's first :data:`KEPT_S`, and
            starting, whether for a request that waits or ahead of one.
        wakes: 1 where the gap's end met no ready replica, else 0.
        affected: Requests that waited because no replica was ready.
    """

    idle_s: Floats
    wakes: Floats
    affected: Floats

    def cost(self, wake: float) -> Floats:
        """Idle replica-seconds, plus so many for each wake."""
        return self.idle_s + wake * self.wakes


def score(gaps: Gaps, warm: Warm, record: Record, cold_start_s: float) -> Score:
    """Play decisions against what really came.

    Args:
        gaps: What came.
        warm: When a replica was wanted.
        record: Only recorded time is charged; only gaps that end in it count.
        cold_start_s: How long a start takes.

    Raises:
        ValueError: A start takes longer than arrivals after a gap are known for.
    """
    if not 0 < cold_start_s <= LONGEST_START_S:
        raise ValueError(
            f"a cold start of {cold_start_s:g} s is not above 0, at most {LONGEST_START_S}"
        )
    plan = merged(warm, len(gaps), KEPT_S, cold_start_s)
    begin, length = gaps.begin_s[plan.gap], gaps.length_s[plan.gap]
    came = plan.start_s < length
    from_s = begin + np.maximum(plan.start_s, KEPT_S)
    until_s = begin + np.minimum(plan.stop_s, length)
    idle = np.bincount(
        plan.gap, weights=np.where(came, record.known_s(from_s, until_s), 0.0), minlength=len(gaps)
    )
    wait = _waits(plan, gaps, cold_start_s)
    counted = gaps.ended & (gaps.end_s >= record.begin_s) & (gaps.end_s < record.end_s)
    wait = np.where(counted, wait, 0.0)
    return Score(idle + wait, (wait > 0).astype(np.float64), _arrived(gaps.burst, wait))


def clairvoyant_s(gaps: Gaps, record: Record, cold_start_s: float) -> Floats:
    """The cost to one who knew the future: it keeps, or starts just in time, for no wake."""
    idle = record.known_s(gaps.begin_s, gaps.end_s)
    return np.where(gaps.ended, np.minimum(idle, cold_start_s), 0.0)


def _waits(plan: Warm, gaps: Gaps, cold_start_s: float) -> Floats:
    """How long after each gap's end a replica was ready, in seconds."""
    length = gaps.length_s[plan.gap]
    covering = (plan.start_s < length) & (length <= plan.stop_s)
    ready = np.where(plan.start_s > 0, plan.start_s + cold_start_s, 0.0)
    waits = np.full(len(gaps), cold_start_s)
    waits[plan.gap[covering]] = np.maximum(ready - length, 0.0)[covering]
    return waits


def _arrived(burst: Floats, wait_s: Floats) -> Floats:
    """Requests within so many seconds of each gap's end, linear between whole seconds."""
    below = np.minimum(wait_s.astype(np.intp), LONGEST_START_S - 1)
    rows = np.arange(len(burst))
    low, high = burst[rows, below], burst[rows, below + 1]
    return np.where(wait_s > 0, low + (high - low) * (wait_s - below), 0.0)
