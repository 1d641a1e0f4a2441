"""The idle times of a service, which are all that policies about sleep differ in."""

from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.traffic.arrivals import Batches
from pilotlight_autoscaler.traffic.servegen import WINDOW_S

KEPT_S = 60.0
"""Of each gap every policy keeps the replica that long: Knative's stable window."""

LONGEST_START_S = 120
"""Arrivals after a gap are kept for so many seconds: no cold start may be longer."""


@dataclass(frozen=True)
class Record:
    """When something was recorded.

    Args:
        begin_s: From when on.
        end_s: Until when.
        holes: Begin and end of each time without a record, shape (holes, 2), in order.
    """

    begin_s: float
    end_s: float
    holes: Floats

    def known_s(self, begin_s: Floats, end_s: Floats) -> Floats:
        """How many seconds between two times were recorded; 0 where the end is not later."""
        corners = np.clip(np.r_[self.begin_s, self.holes.ravel(), self.end_s], self.begin_s, None)
        corners = np.minimum(corners, self.end_s)
        # Time passes before the first hole, after the last, and between one's end and the next.
        passing = np.diff(corners)
        passing[1::2] = 0.0
        elapsed = np.r_[0.0, np.cumsum(passing)]
        begin, end = (np.interp(time, corners, elapsed) for time in (begin_s, end_s))
        return np.asarray(np.maximum(end - begin, 0.0))


@dataclass(frozen=True)
class Gaps:
    """Idle times of more than :data:`KEPT_S`; all arrays have ``gaps`` rows, oldest first.

    Args:
        begin_s: When the last request before came.
        end_s: When the next one came; where the record ends, if none did.
        ended: Whether one did.
        burst: Requests from the end on, cumulated: column k counts those of the first k seconds,
            the one that ends the gap included; ``LONGEST_START_S + 1`` columns.
    """

    begin_s: Floats
    end_s: Floats
    ended: Flags
    burst: Floats

    def __len__(self) -> int:
        return len(self.begin_s)

    def __getitem__(self, chosen: Flags | slice) -> "Gaps":
        return Gaps(
            self.begin_s[chosen], self.end_s[chosen], self.ended[chosen], self.burst[chosen]
        )

    @property
    def length_s(self) -> Floats:
        """How long each is; at least that, if it did not end."""
        return self.end_s - self.begin_s

    def before(self, time_s: float) -> "Gaps":
        """As they were known at a time: what ended later had not ended."""
        known = self[self.begin_s + KEPT_S < time_s]
        late = known.end_s >= time_s
        return Gaps(
            known.begin_s, np.minimum(known.end_s, time_s), known.ended & ~late, known.burst
        )

    def after(self, time_s: float) -> "Gaps":
        """Those that ended, or were still open, later."""
        return self[self.end_s > time_s]


def find(batches: Batches, record: Record) -> Gaps:
    """The gaps between requests, and the one after the last.

    A gap whose begin or end lies in the window beside a hole is left out: nobody knows how long
    it was, or whether it was. A gap with recorded idle time on both sides of a hole is kept.

    Args:
        batches: The requests of one service.
        record: When something was recorded.
    """
    time, total = batches.time_s, np.cumsum(batches.requests)
    next_time = np.r_[time[1:], record.end_s]
    at = np.flatnonzero(next_time - time > KEPT_S)
    begin, end, ended = time[at], next_time[at], at + 1 < len(time)
    seconds = end[:, None] + np.arange(LONGEST_START_S + 1.0)
    behind = np.searchsorted(time, seconds, side="right")
    burst = total[np.maximum(behind, 1) - 1] - total[at][:, None]
    burst[~ended] = 0.0
    found = Gaps(begin, end, ended, burst)
    return found[~_beside_a_hole(found, record.holes)]


def join(parts: list[Gaps]) -> Gaps:
    """Gaps of several services, one after the other."""
    return Gaps(
        np.concatenate([part.begin_s for part in parts]),
        np.concatenate([part.end_s for part in parts]),
        np.concatenate([part.ended for part in parts]),
        np.concatenate([part.burst for part in parts]),
    )


def _beside_a_hole(gaps: Gaps, holes: Floats) -> Flags:
    touched = np.zeros(len(gaps), dtype=np.bool_)
    for hole_begin, hole_end in holes:
        over = (gaps.begin_s < hole_begin) & (gaps.end_s > hole_end)
        near = (hole_begin - gaps.begin_s <= WINDOW_S) | (gaps.end_s - hole_end <= WINDOW_S)
        touched |= over & near
    return touched
