"""The minutes that were seen of a service: bounded, in memory."""

import math
import zlib
from dataclasses import dataclass, field

import numpy as np

from pilotlight_autoscaler.demand import Demand, Floats

STEP_S = 60.0
BINS = 16 * 24 * 60
"""As much as forecasts learn from."""
ENOUGH = 0.5
"""A bin is known if so much of it was watched."""
MOST = 0.8
FIRST_ROOM = 64
LINES = ("arrivals", "work", "watched")


def _zeros() -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.zeros(0, np.float32)


@dataclass
class History:
    """Bins of a minute, oldest first; what is older than ``bins`` of them is forgotten.

    Args:
        first: Number of the first bin, in minutes since the epoch.
        length: Bins in use; the arrays have room for more.
        arrivals: Requests in each bin.
        work: Request-seconds in flight in each bin.
        watched: Seconds of each bin of which something is known.
        bins: The most that are kept.
    """

    first: int = 0
    length: int = 0
    arrivals: "np.ndarray[tuple[int], np.dtype[np.float32]]" = field(default_factory=_zeros)
    work: "np.ndarray[tuple[int], np.dtype[np.float32]]" = field(default_factory=_zeros)
    watched: "np.ndarray[tuple[int], np.dtype[np.float32]]" = field(default_factory=_zeros)
    bins: int = BINS

    def add(self, start_s: float, end_s: float, arrivals: float, concurrency: float) -> None:
        """What happened between two looks, spread evenly over the time between them."""
        if not end_s > start_s or end_s - start_s > self.bins * STEP_S:
            return
        at, last = math.floor(start_s / STEP_S), math.ceil(end_s / STEP_S)
        if not self._reach(at, last):
            return
        while at < last:
            seconds = min(end_s, (at + 1) * STEP_S) - max(start_s, at * STEP_S)
            index = at - self.first
            self.arrivals[index] += arrivals * seconds / (end_s - start_s)
            self.work[index] += concurrency * seconds
            self.watched[index] += seconds
            at += 1

    def arrived(self, start_s: float, end_s: float) -> float | None:
        """Requests between two moments, by the bins that they touch.

        ``None`` if too little of that time was watched.
        """
        first = max(0, math.floor(start_s / STEP_S) - self.first)
        bins = slice(first, max(first, math.ceil(end_s / STEP_S) - self.first))
        watched = float(self.watched[bins].sum())
        if not 0 < MOST * (end_s - start_s) <= watched:
            return None
        return float(self.arrivals[bins].sum()) * (end_s - start_s) / watched

    def demand(self) -> Demand:
        """What is remembered; the last bin is as it is so far."""
        used = slice(0, self.length)
        watched: Floats = self.watched[used].astype(np.float64)
        known = watched >= ENOUGH * STEP_S
        # Of a bin that was watched in part, the rest is taken to be alike.
        share = np.divide(STEP_S, watched, out=np.zeros_like(watched), where=known)
        return Demand(
            start_s=self.first * STEP_S,
            step_s=STEP_S,
            arrivals=self.arrivals[used] * share,
            concurrency=self.work[used] * share / STEP_S,
            known=known,
        )

    def _reach(self, at: int, last: int) -> bool:
        """Make room up to bin ``last``; whether ``at`` is within what is remembered."""
        if not self.length:
            self.first = at
        if at < self.first:
            return False  # The clock went back: that time is written already.
        over = last - self.first - self.bins
        if over > 0:
            self._forget(over)
        needed = last - self.first
        if needed > len(self.arrivals):
            room = min(self.bins, max(FIRST_ROOM, needed + needed // 4))
            for name in ("arrivals", "work", "watched"):
                setattr(self, name, np.resize(getattr(self, name), room))
                getattr(self, name)[self.length :] = 0
        self.length = max(self.length, needed)
        return at >= self.first

    def _forget(self, count: int) -> None:
        gone = min(count, self.length)
        for name in ("arrivals", "work", "watched"):
            line = getattr(self, name)
            line[: len(line) - gone] = line[gone:]
            line[len(line) - gone :] = 0
        self.length -= gone
        self.first += count


def of_demand(demand: Demand, bins: int = BINS) -> History:
    """A history that goes on from what Prometheus remembers.

    Raises:
        ValueError: Its bins are no minutes.
    """
    if demand.step_s != STEP_S or demand.start_s % STEP_S:
        raise ValueError(f"bins of {demand.step_s} s from {demand.start_s} are no minutes")
    skipped = max(0, len(demand.arrivals) - bins)
    known = demand.known[skipped:]
    return History(
        first=int(demand.start_s // STEP_S) + skipped,
        length=len(known),
        arrivals=demand.arrivals[skipped:].astype(np.float32),
        work=(demand.concurrency[skipped:] * STEP_S).astype(np.float32),
        watched=np.where(known, STEP_S, 0.0).astype(np.float32),
        bins=bins,
    )


@dataclass(frozen=True)
class Packed:
    """A history at rest: services that sleep a lot take a few kilobytes.

    Args:
        first: Number of the first bin.
        length: Bins.
        data: The lines one after the other, single precision, compressed.
    """

    first: int = 0
    length: int = 0
    data: bytes = b""


def pack(history: History, newest: int | None = None) -> Packed:
    """The newest bins of a history; all of them, if no number is given."""
    kept = history.length if newest is None else min(newest, history.length)
    used = slice(history.length - kept, history.length)
    lines = [np.asarray(getattr(history, name)[used], "<f4").tobytes() for name in LINES]
    first = history.first + history.length - kept
    return Packed(first, kept, zlib.compress(b"".join(lines), 6))


def join(old: Packed, new: History) -> History:
    """One history of both; what lies between them is not known."""
    if not old.length:
        return new
    lines = np.frombuffer(zlib.decompress(old.data), "<f4").reshape(len(LINES), old.length)
    length = max(new.first + new.length - old.first, old.length) if new.length else old.length
    drop = max(0, length - new.bins)
    whole = History(first=old.first + drop, length=length - drop, bins=new.bins)
    at = new.first - old.first
    for name, line in zip(LINES, lines, strict=True):
        together = np.zeros(length, np.float32)
        together[: old.length] = line
        if new.length:
            together[at : at + new.length] = getattr(new, name)[: new.length]
        setattr(whole, name, together[drop:])
    return whole


def newest(history: History, count: int) -> History:
    """The last bins alone."""
    kept = min(count, history.length)
    used = slice(history.length - kept, history.length)
    found = History(history.first + history.length - kept, kept, bins=history.bins)
    for name in LINES:
        setattr(found, name, getattr(history, name)[used].copy())
    return found
