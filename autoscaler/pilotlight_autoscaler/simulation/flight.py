"""Requests on their way: who is in flight, who waits for a first replica, when each ends."""

from dataclasses import dataclass, field

import numpy as np

from pilotlight_autoscaler.demand import Demand, Floats
from pilotlight_autoscaler.simulation.load import Ints, Load, demand, mean_in_flight
from pilotlight_autoscaler.simulation.service import ServiceModel
from pilotlight_autoscaler.simulation.slots import Apart, Queue, Replica, Shared

NEVER = float("inf")
ANYTHING = 1e-9
"""Less concurrency than this is none."""


@dataclass
class Flight:
    """A load as it is served.

    Args:
        load: What comes.
        service: How much a replica takes.
    """

    load: Load
    service: ServiceModel = field(default_factory=ServiceModel)
    held_from: int | None = None
    """The first request that waits for a first replica; all later ones do, too."""
    affected: list[tuple[int, int, float]] = field(default_factory=list)
    """Requests ``[first, last)`` that waited until a moment."""

    def __post_init__(self) -> None:
        """All end as if replicas were always there, until they are held."""
        self.starts: Floats = self.load.arrivals.copy()
        self.ends: Floats = self.load.arrivals + self.load.durations
        self._live: Ints = np.empty(0, dtype=np.int64)
        self._seen = 0
        self._last_end = -NEVER
        self._queue: Queue | None = None
        self._line: Apart | None = None
        """The queue as it was when replicas changed last, if requests wait inside of replicas."""
        self._since_s = -NEVER
        self._begun = self._served = 0
        self._elsewhere: set[int] = set()
        """Requests that run on in replicas that were told to go."""

    def index(self, time_s: float) -> int:
        """How many single requests came until then."""
        return int(np.searchsorted(self.load.arrivals, time_s, side="right"))

    def next_arrival_s(self, now_s: float) -> float:
        """When the next request comes after now; infinity: none does."""
        return self.load.next_s(now_s)

    def hold(self, now_s: float) -> None:
        """From the request of this moment on all wait."""
        self.held_from = int(np.searchsorted(self.load.arrivals, now_s, side="left"))

    def release(self, now_s: float) -> int:
        """A replica is ready: those that were held begin; how many they are."""
        if self.held_from is None:
            return 0
        first, last = self.held_from, self.index(now_s)
        self.starts[first:last] = now_s
        self.ends[first:last] = now_s + self.load.durations[first:last]
        self.held_from = None
        if last > first:
            self.affected.append((first, last, now_s))
        return last - first

    def stop(self, now_s: float, ready: int, stopped: int) -> list[float]:
        """The youngest replicas take no more requests; when each has answered its last one.

        Requests are taken to have been dealt round to the replicas, if nobody knows better.
        """
        if self._line is not None:
            self._rewind(now_s)
            gone = [self._line.replicas.pop().ends_s for _ in range(stopped)]
            return [max(ends, default=now_s) for ends in gone]
        running = np.concatenate([self._live, np.arange(self._seen, self.index(now_s))])
        running = running[(self.ends[running] > now_s) & (self.starts[running] <= now_s)]
        hands = [running[hand::ready] for hand in range(stopped)]
        if self.service.slots:
            self._elsewhere.update(index for hand in hands for index in hand.tolist())
        return [float(self.ends[hand].max()) if len(hand) else now_s for hand in hands]

    def settle(self, now_s: float, ready: int) -> None:
        """Replicas came or went: whoever has not begun waits for those that are left."""
        if not self.service.slots:
            return
        if self.service.container_concurrency:
            self._share(now_s, ready)
        else:
            self._rewind(now_s)
            self._line = self._line or Apart([])
            while len(self._line.replicas) < ready:
                self._line.replicas.append(Replica([now_s] * self.service.slots))
            self._queue = self._line.copy() if ready else None
        self._since_s = now_s
        self._serve(self.index(now_s))

    def _share(self, now_s: float, ready: int) -> None:
        came = min(self.index(now_s), self._served)
        begun = self._begun
        begun += int(np.searchsorted(self.starts[begun:came], now_s, side="right"))
        self._undo(begun)
        self._begun = begun
        if ready == 0:
            waiting = begun < self.index(now_s)
            self.held_from, self._queue = (begun if waiting else self.held_from), None
            return
        live = np.concatenate([self._live, np.arange(self._seen, begun)])
        live = live[(live < begun) & (self.ends[live] > now_s)]
        ends = [self.ends[index] for index in live.tolist() if index not in self._elsewhere]
        self._queue = Shared(self.service.slots * ready, ends)

    def _rewind(self, now_s: float) -> None:
        """Those that came have their places; those to come have not."""
        came = max(self._begun, min(self.index(now_s), self._served))
        if self._line is not None and came > self._begun and self._line.replicas:
            again = slice(self._begun, came)
            self._line.begin(self.load.arrivals[again], self.load.durations[again], self._since_s)
        self._undo(came)
        self._begun = came

    def _undo(self, first: int) -> None:
        late = slice(first, self._served)
        self.starts[late] = self.load.arrivals[late]
        self.ends[late] = self.load.arrivals[late] + self.load.durations[late]
        self._served = first

    def _serve(self, last: int) -> None:
        """Let requests begin as their turn comes, as if replicas stayed as they are."""
        if self._queue is None or self.held_from is not None or last <= self._served:
            return
        some = slice(self._served, last)
        durations = self.load.durations[some]
        begins = self._queue.begin(self.load.arrivals[some], durations, self._since_s)
        self.starts[some], self.ends[some] = begins, begins + durations
        self._served = last

    def concurrency(self, edges: Floats) -> Floats:
        """Mean number in flight between the edges, which never go back; (edges - 1,)."""
        low = int(np.searchsorted(self.load.arrivals, edges[0]))
        high = int(np.searchsorted(self.load.arrivals, edges[-1]))
        self._serve(high)
        self._forget(float(edges[0]), low)
        if low == high and not len(self._live):
            found = np.zeros(len(edges) - 1)
        else:
            fresh = slice(low, high)
            starts = np.concatenate([self.load.arrivals[self._live], self.load.arrivals[fresh]])
            ends = np.concatenate([self.ends[self._live], self.ends[fresh]])
            if self.held_from is not None:
                held = np.concatenate([self._live, np.arange(low, high)]) >= self.held_from
                ends[held] = NEVER
            counts = np.concatenate([self.load.weigh(self._live), self.load.weigh(fresh)])
            found = mean_in_flight(starts, ends, edges, counts)
        return found + self.load.flows.concurrency(edges) if len(self.load.flows.rate) else found

    def _forget(self, before_s: float, low: int) -> None:
        """Keep those that came before the request ``low`` and are still in flight."""
        live = self._live
        if low > self._seen:
            live = np.concatenate([live, np.arange(self._seen, low)])
            self._seen = low
        if len(live):
            ends = self.ends[live]
            if self.held_from is not None:
                ends[live >= self.held_from] = NEVER
            gone = ends <= before_s
            if gone.any():
                self._last_end = max(self._last_end, float(ends[gone].max()))
                live = live[~gone]
        self._live = live

    def in_flight(self, now_s: float) -> int:
        """How many there are, those that wait included."""
        index = np.concatenate([self._live, np.arange(self._seen, self.index(now_s))])
        busy = self.ends[index] > now_s
        if self.held_from is not None:
            busy |= index >= self.held_from
        count = float(self.load.weigh(index[busy]).sum())
        if len(self.load.flows.rate):
            count += self.load.flows.level(now_s)
        return int(np.ceil(count - ANYTHING))

    def idle_since_s(self, now_s: float) -> float | None:
        """When the last one ended; ``None``: one is in flight, or none ever came."""
        if self.in_flight(now_s):
            return None
        last = self._last_end
        for ends in (self.ends[self._live], self.ends[self._seen : self.index(now_s)]):
            if len(ends):
                last = max(last, float(ends.max()))
        flows = self.load.flows
        flow = int(np.searchsorted(flows.start_s, now_s)) - 1
        if flow >= 0:
            last = max(last, float(flows.over_s[flow]))
        return last if last > -NEVER else None


@dataclass(frozen=True)
class Memory:
    """The past of a flight, as a policy may see it.

    Args:
        flight: All of it, the future included, which nothing here shows.
        until_s: Where the past ends.
    """

    flight: Flight
    until_s: float

    def arrivals(self, since_s: float = -NEVER) -> int:
        """Requests since then; since the beginning, if no time is given."""
        before, now = self.flight.load.arrived(np.array([since_s, self.until_s]))
        return round(float(now - before))

    def gaps(self, most: int) -> tuple[float, ...]:
        """Lengths of the last idle times between requests, in seconds, oldest first."""
        starts, ends = gaps(self.flight, self.until_s)
        lengths = ends - starts
        return tuple(lengths[len(lengths) - min(most, len(lengths)) :].tolist())

    def demand(self, start_s: float, step_s: float) -> Demand:
        """Requests and concurrency in full bins from a time until now."""
        return demand(self.flight.load, self.flight.ends, start_s, step_s, self.until_s)


def gaps(flight: Flight, until_s: float) -> tuple[Floats, Floats]:
    """Idle times between requests that came until a moment: beginnings and ends; (gaps,)."""
    load, high = flight.load, flight.index(until_s)
    flows = load.flows
    last = int(np.searchsorted(flows.start_s, until_s, side="right"))
    starts = np.concatenate([load.arrivals[:high], flows.start_s[:last]])
    ends = np.concatenate([flight.ends[:high], (flows.end_s + flows.duration_s)[:last]])
    if last:
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], ends[order]
    busy = np.maximum.accumulate(ends) if len(ends) else ends
    idle = starts[1:] > busy[:-1]
    return busy[:-1][idle], starts[1:][idle]
