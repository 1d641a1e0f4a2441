"""The histogram policy of "Serverless in the Wild" (Shahrad et al., USENIX ATC 2020, section 4.2).

A histogram of each service's idle times, in bins of a minute up to four hours. After a request the
replica goes; it is started again at the histogram's head (5th percentile, rounded down to a bin,
less a margin of 10 %), and kept until its tail (99th percentile, rounded up, with the margin).
Where the head is in the first bin the replica stays. The policy keeps for a standard time instead,
and starts nothing, while most idle times are longer than the histogram, or the bins' coefficient
of variation is under 2 and so no pattern shows.

Differences from the paper, all in the policy's favour but the first: ARIMA for services whose idle
times are mostly longer than the histogram is left out (they get the standard keep-alive); idle
times under a minute, which no policy here can use, are not counted, since nearly all would be;
head, tail and the standard keep-alive are chosen on the learning week; the start is brought forward
by a cold start.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.study.gaps import KEPT_S, Gaps
from pilotlight_autoscaler.study.policy import Family, Setting
from pilotlight_autoscaler.study.population import Service
from pilotlight_autoscaler.study.warm import Indices, Warm, both, keep

_BIN_S, _BINS = 60.0, 240
_LEAST_CV, _MOST_OUTSIDE = 2.0, 0.5
_MARGIN = 0.1
_HEADS, _TAILS = (0.0, 0.05, 0.2), (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_STANDARD_MINUTES = (1.0, 5.0, 15.0, 30.0, 60.0, 240.0)


class Known:
    """The histograms of one service as each of its gaps begins."""

    def __init__(self, before: Gaps, asked: Gaps) -> None:
        self._counts, outside = _histograms(before, asked)
        inside = self._counts[:, -1]
        within = (outside <= _MOST_OUTSIDE * (inside + outside)) & (inside > 0)
        self.pattern = _varied(self._counts) & within
        self._bins: dict[float, Floats] = {}

    def bins(self, share: float) -> Floats:
        """The first bin at which so much of each histogram is reached."""
        if share not in self._bins:
            wanted = np.maximum(share * self._counts[:, -1:], 1e-9)
            self._bins[share] = np.argmax(self._counts >= wanted, axis=1).astype(np.float64)
        return self._bins[share]


class Memory:
    """The histograms that were asked for last: the same for many settings."""

    def __init__(self) -> None:
        self._last: tuple[Gaps, Gaps, Known] | None = None

    def of(self, before: Gaps, asked: Gaps) -> Known:
        """The histograms of the gaps that are asked for."""
        if self._last is None or self._last[0] is not before or self._last[1] is not asked:
            self._last = before, asked, Known(before, asked)
        return self._last[2]


@dataclass(frozen=True)
class Histogram:
    """The policy, learning as it goes.

    Args:
        head: Share of idle times that may be shorter than the time without a replica.
        tail: Share of idle times that are waited out.
        standard_s: The keep-alive without a pattern.
        ahead_s: A start is asked for so much earlier.
        memory: Shared by settings that differ in nothing but these.
    """

    head: float
    tail: float
    standard_s: float
    ahead_s: float
    memory: Memory = field(default_factory=Memory, compare=False)

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """For each gap from the histogram of those before it."""
        known = self.memory.of(before, asked)
        pattern = known.pattern
        head = known.bins(self.head) * _BIN_S * (1 - _MARGIN)
        tail = (known.bins(self.tail) + 1) * _BIN_S * (1 + _MARGIN)
        gone = pattern & (head - self.ahead_s > KEPT_S)
        stays = np.where(pattern, np.where(gone, KEPT_S, tail), self.standard_s)
        again = np.flatnonzero(gone)
        return both(keep(stays), Warm(again, head[again] - self.ahead_s, tail[again]))


def histogram(cold_start_s: float) -> Family:
    """With the paper's percentiles among those that may be chosen."""
    memory = Memory()
    return Family(
        "histogram",
        tuple(
            Setting(
                Histogram(head, tail, 60.0 * minutes, cold_start_s, memory),
                {"head": head, "tail": tail, "standard_minutes": minutes},
            )
            for head, tail, minutes in itertools.product(_HEADS, _TAILS, _STANDARD_MINUTES)
        ),
    )


def _histograms(before: Gaps, asked: Gaps) -> tuple[Floats, Floats]:
    """Cumulated bins as each gap begins, shape (gaps, bins), and idle times beyond them."""
    old, new = before.length_s[before.ended], asked.length_s
    bins = np.zeros((len(new) + 1, _BINS + 1))
    np.add.at(bins[0], _bin(old), 1.0)
    np.add.at(bins, (np.arange(1, len(new) + 1), _bin(new)), asked.ended.astype(np.float64))
    known = np.cumsum(bins[:-1], axis=0)
    inside: Floats = np.cumsum(known[:, :_BINS], axis=1)
    return inside, known[:, _BINS]


def _bin(lengths_s: Floats) -> Indices:
    return np.minimum(lengths_s // _BIN_S, _BINS).astype(np.intp)


def _varied(counts: Floats) -> Flags:
    bins = np.diff(counts, axis=1, prepend=0.0)
    mean = bins.mean(axis=1)
    return np.asarray(bins.std(axis=1, ddof=1) >= _LEAST_CV * mean, dtype=np.bool_)
