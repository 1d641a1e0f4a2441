"""Who runs and who waits, where a replica takes only so many requests at a time.

Both ways of waiting give each request its place when it comes, as long as replicas neither come
nor go; so they are asked for stretches of requests, and asked anew when replicas do.
"""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from typing import Protocol

import numpy as np

from pilotlight_autoscaler.demand import Floats

BLOCK = 4096
"""Requests that are tried at once for whether anyone waits at all."""
CLOSE = 256
"""Requests that are taken one by one before the next try."""


class Queue(Protocol):
    """A place to wait."""

    def begin(self, arrivals: Floats, durations: Floats, since_s: float) -> Floats:
        """When each of the next requests begins to run; shape (requests,).

        Args:
            arrivals: In order of time.
            durations: How long each runs.
            since_s: Nothing begins before this.
        """
        ...


@dataclass
class Shared:
    """All wait in the activator, in order (``activator/net/throttler.go``).

    Args:
        capacity: Requests that run at a time, in all replicas.
        running: When those that run end; a heap.
    """

    capacity: int
    running: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Order what runs."""
        heapify(self.running)

    def begin(self, arrivals: Floats, durations: Floats, since_s: float) -> Floats:
        """Block by block: at once where nobody waits, one by one where somebody does."""
        came = np.maximum(arrivals, since_s)
        begins = came.copy()
        first = 0
        while first < len(came):
            last = min(first + BLOCK, len(came))
            free = self._all_free(came[first:last], durations[first:last])
            if free:
                ends = came[first : first + free] + durations[first : first + free]
                self._run(ends, float(came[first + free - 1]))
            first += free
            if first < last:
                last = min(first + CLOSE, len(came))
                begins[first:last] = self._one_by_one(came[first:last], durations[first:last])
                first = last
        return begins

    def _all_free(self, came: Floats, durations: Floats) -> int:
        """How many of the next requests find a free slot, up to the first that does not."""
        ends = np.sort(np.concatenate([self.running, came + durations]))
        before = len(self.running) + np.arange(len(came))
        before -= np.searchsorted(ends, came, side="right")
        full = np.flatnonzero(before >= self.capacity)
        return int(full[0]) if len(full) else len(came)

    def _run(self, ends: Floats, now_s: float) -> None:
        both = np.concatenate([self.running, ends])
        self.running = np.sort(both[both > now_s]).tolist()

    def _one_by_one(self, came: Floats, durations: Floats) -> list[float]:
        running, capacity, begins = self.running, self.capacity, []
        for start, lasts in zip(came.tolist(), durations.tolist(), strict=True):
            while running and running[0] <= start:
                heappop(running)
            while len(running) >= capacity:
                start = heappop(running)
            heappush(running, start + lasts)
            begins.append(start)
        return begins


@dataclass
class Replica:
    """One model server with its own waiting line.

    Args:
        free_s: When each of its slots is free next; a heap.
        ends_s: When those in it end, waiting ones included; a heap.
    """

    free_s: list[float]
    ends_s: list[float] = field(default_factory=list)

    def load(self, now_s: float) -> int:
        """Requests in it."""
        ends = self.ends_s
        while ends and ends[0] <= now_s:
            heappop(ends)
        return len(ends)

    def copy(self) -> "Replica":
        """As it stands."""
        return Replica(self.free_s.copy(), self.ends_s.copy())


@dataclass
class Apart:
    """Each request goes to a replica at once and waits there (``randomChoice2Policy``).

    Of two replicas the one with fewer requests; the pairs come in turn instead of by lot, so that
    the same load always gives the same outcome.

    Args:
        replicas: In order of having become ready.
    """

    replicas: list[Replica]
    turn: int = 0

    def begin(self, arrivals: Floats, durations: Floats, since_s: float) -> Floats:
        """One by one."""
        begins = []
        came = np.maximum(arrivals, since_s)
        for now, lasts in zip(came.tolist(), durations.tolist(), strict=True):
            replica = self._choose(now)
            start = max(now, replica.free_s[0])
            heapreplace(replica.free_s, start + lasts)
            heappush(replica.ends_s, start + lasts)
            begins.append(start)
        return np.array(begins, dtype=np.float64)

    def _choose(self, now_s: float) -> Replica:
        replicas = self.replicas
        count = len(replicas)
        if count == 1:
            replicas[0].load(now_s)
            return replicas[0]
        self.turn = (self.turn * 1103515245 + 12345) & 0x7FFFFFFF
        one = (self.turn >> 8) % count
        other = (one + 1 + (self.turn >> 16) % (count - 1)) % count
        first, second = replicas[one], replicas[other]
        return first if first.load(now_s) <= second.load(now_s) else second

    def copy(self) -> "Apart":
        """As it stands."""
        return Apart([replica.copy() for replica in self.replicas], self.turn)
