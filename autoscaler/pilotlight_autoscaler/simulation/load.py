"""What comes to the service: single requests, and flows where single ones would tell no more."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pilotlight_autoscaler.demand import Demand, Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Flows:
    """Busy stretches as rates: requests too many to tell apart, evenly spread, all equally long.

    All arrays have the shape (flows,), ordered in time, without overlap.

    Args:
        start_s: Where they begin.
        end_s: Where they end.
        rate: Requests per second.
        duration_s: How long one of them takes.
    """

    start_s: Floats
    end_s: Floats
    rate: Floats
    duration_s: Floats

    @property
    def requests(self) -> float:
        """All of them."""
        return float(np.sum((self.end_s - self.start_s) * self.rate))

    @cached_property
    def over_s(self) -> Floats:
        """When the last request of each, and of all before it, has ended; shape (flows,)."""
        over: Floats = np.maximum.accumulate(self.end_s + self.duration_s)
        return over

    def concurrency(self, edges: Floats) -> Floats:
        """Mean number in flight between the edges: Little's law with its ramps; (edges - 1,)."""
        low = int(np.searchsorted(self.over_s, edges[0]))
        high = int(np.searchsorted(self.start_s, edges[-1]))
        if low >= high:
            return np.zeros(len(edges) - 1)
        start, end, rate, lasts = (
            values[low:high] for values in (self.start_s, self.end_s, self.rate, self.duration_s)
        )
        turns = np.concatenate([start, start + lasts, end, end + lasts])
        bends = np.concatenate([rate, -rate, -rate, rate])
        order = np.argsort(turns, kind="stable")
        total = _integral(turns[order], np.cumsum(bends[order]), edges)
        begun = np.searchsorted(start, edges[1:])
        ended = np.searchsorted(np.sort(end + lasts), edges[:-1], side="right")
        mean = np.maximum(np.diff(total), 0.0) / np.diff(edges)
        return np.where(begun > ended, mean, 0.0)

    def level(self, now_s: float) -> float:
        """In flight at a moment."""
        low = int(np.searchsorted(self.over_s, now_s, side="right"))
        high = int(np.searchsorted(self.start_s, now_s, side="right"))
        return float(
            sum(
                self.rate[flow]
                * (
                    min(max(now_s - self.start_s[flow], 0.0), self.duration_s[flow])
                    - min(max(now_s - self.end_s[flow], 0.0), self.duration_s[flow])
                )
                for flow in range(low, high)
            )
        )

    def arrived(self, times: Floats) -> Floats:
        """Requests until each time."""
        done = np.concatenate([[0.0], np.cumsum((self.end_s - self.start_s) * self.rate)])
        last = np.searchsorted(self.start_s, times, side="right") - 1
        safe = np.maximum(last, 0)
        part = np.clip(times, self.start_s[safe], self.end_s[safe]) - self.start_s[safe]
        return np.where(last < 0, 0.0, done[safe] + part * self.rate[safe])


NO_FLOWS = Flows(np.empty(0), np.empty(0), np.empty(0), np.empty(0))


def _integral(turns: Floats, slopes: Floats, times: Floats) -> Floats:
    """Integral until each time of what is 0 before the first turn, and bends at each."""
    steps = np.diff(turns)
    level = np.concatenate([[0.0], np.cumsum(slopes[:-1] * steps)])
    area = np.concatenate([[0.0], np.cumsum((level[:-1] + level[1:]) / 2 * steps)])
    last = np.maximum(np.searchsorted(turns, times, side="right") - 1, 0)
    past = np.maximum(times - turns[last], 0.0)
    found: Floats = area[last] + past * (level[last] + past * slopes[last] / 2)
    return found


@dataclass(frozen=True)
class Load:
    """Requests in order of their arrival.

    Args:
        arrivals: Times in seconds; shape (requests,).
        durations: How long each runs once a replica has it, in seconds; shape (requests,).
        flows: What is advanced as counts; its stretches hold no single arrivals.
        counts: Requests that each arrival stands for; shape (requests,). ``None``: one.
    """

    arrivals: Floats
    durations: Floats
    flows: Flows = NO_FLOWS
    counts: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot have happened.

        Raises:
            ValueError: Shapes differ, times are not in order, or a request takes no time.
        """
        arrivals, durations = self.arrivals, self.durations
        if arrivals.ndim != 1 or arrivals.shape != durations.shape:
            raise ValueError(
                f"times and durations of one length are needed, not {arrivals.shape} and "
                f"{durations.shape}"
            )
        if not (np.isfinite(arrivals).all() and np.isfinite(durations).all()):
            raise ValueError("times and durations are finite numbers")
        if len(arrivals) > 1 and bool((arrivals[1:] < arrivals[:-1]).any()):
            raise ValueError("arrivals are not in order of time")
        if bool((durations <= 0).any()):
            raise ValueError("a request takes more than no time")

    @property
    def requests(self) -> int:
        """All of them, those of the flows rounded."""
        single = len(self.arrivals) if self.counts is None else self.counts.sum()
        return round(float(single) + self.flows.requests)

    def weigh(self, which: Ints | slice) -> Floats:
        """How many requests some arrivals stand for; shape of ``which``."""
        if self.counts is None:
            return np.ones(len(self.arrivals[which]))
        return self.counts[which]

    @cached_property
    def _sums(self) -> Floats | None:
        if self.counts is None:
            return None
        return np.concatenate([[0.0], np.cumsum(self.counts)])

    @property
    def start_s(self) -> float:
        """The first arrival; 0 if there is none."""
        return min((float(first[0]) for first in self._firsts()), default=0.0)

    def _firsts(self) -> list[Floats]:
        return [times for times in (self.arrivals, self.flows.start_s) if len(times)]

    def next_s(self, now_s: float) -> float:
        """When the next request comes after now; infinity: none does."""
        nexts = (
            float(times[index])
            for times in (self.arrivals, self.flows.start_s)
            if (index := int(np.searchsorted(times, now_s, side="right"))) < len(times)
        )
        return min(nexts, default=float("inf"))

    def arrived(self, times: Floats) -> Floats:
        """Requests until each time."""
        index = np.searchsorted(self.arrivals, times, side="right")
        single = index.astype(np.float64) if self._sums is None else self._sums[index]
        return single + self.flows.arrived(times) if len(self.flows.start_s) else single


def demand(load: Load, ends: Floats, start_s: float, step_s: float, until_s: float) -> Demand:
    """A load in full bins.

    Args:
        load: What came.
        ends: When each single request ended, or would have; shape (requests,).
        start_s: Where the first bin begins.
        step_s: Length of a bin.
        until_s: Nothing after this is used.
    """
    bins = max(0, int((until_s - start_s) // step_s))
    edges: Floats = np.asarray(start_s + step_s * np.arange(bins + 1), dtype=np.float64)
    arrivals = np.diff(load.arrived(edges)) if bins else np.empty(0)
    busy = np.zeros(bins)
    if bins:
        last = int(np.searchsorted(load.arrivals, edges[-1]))
        starts, over = load.arrivals[:last], np.minimum(ends[:last], until_s)
        busy = mean_in_flight(starts, over, edges, load.weigh(slice(last)))
        busy = busy + load.flows.concurrency(edges)
    return Demand(start_s, step_s, arrivals, busy, np.ones(bins, dtype=np.bool_))


def mean_in_flight(
    starts: Floats, ends: Floats, edges: Floats, counts: Floats | None = None
) -> Floats:
    """Mean number of requests in flight between evenly spaced edges; shape (edges - 1,).

    Counts are whole numbers and only the rest of a bin is summed, so that a bin without requests
    is exactly 0.

    Args:
        starts: When each began; any order; shape (requests,).
        ends: When each ended; later than it began, infinity for one that has not; (requests,).
        edges: Shape (bins + 1,).
        counts: How many requests each stands for; one, if not given; shape (requests,).
    """
    bins, first = len(edges) - 1, float(edges[0])
    step = (float(edges[-1]) - first) / bins
    many = np.ones(len(starts)) if counts is None else counts
    from_bin = np.floor((starts - first) / step)
    to_bin = np.floor((np.minimum(ends, edges[-1] + step) - first) / step)
    level = np.zeros(bins + 1)
    level[0] = many[(from_bin < 0) & (to_bin >= 0)].sum()
    rest = np.zeros(bins)
    for times, index, sign in ((starts, from_bin, many), (ends, to_bin, -many)):
        inside = (index >= 0) & (index < bins)
        where, size = index[inside].astype(np.int64), sign[inside]
        level[1:] += np.bincount(where, weights=size, minlength=bins)
        left = size * (edges[where + 1] - times[inside])
        rest += np.bincount(where, weights=left, minlength=bins)
    found: Floats = np.cumsum(level)[:-1] + rest / step
    return np.maximum(found, 0.0)
