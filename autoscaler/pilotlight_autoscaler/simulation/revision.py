"""One revision, event by event: requests, replicas, Knative's autoscaler and the policy's floor."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from pilotlight_autoscaler.kpa.decider import Decider
from pilotlight_autoscaler.kpa.pod_autoscaler import PodAutoscaler
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.kpa.status import Activity, Status
from pilotlight_autoscaler.simulation.flight import ANYTHING, NEVER, Flight, Memory
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.simulation.pods import Pods
from pilotlight_autoscaler.simulation.policy import FloorPolicy, Seen
from pilotlight_autoscaler.simulation.service import ServiceModel
from pilotlight_autoscaler.simulation.signal import Signal
from pilotlight_autoscaler.simulation.ticks import Ticks

SHORTEST_VIEW_S, LONGEST_VIEW_S = 128.0, 16384.0
"""So far ahead is projected; further, the longer nothing happens."""


@dataclass
class Revision:
    """A service that sleeps at first.

    Args:
        load: What comes.
        service: How it starts and what it carries.
        settings: Knative's, the floor aside.
        policy: What sets the floor.
        start_s: Where the simulation begins.
        end_s: Where it ends.
    """

    load: Load
    service: ServiceModel
    settings: KpaSettings
    policy: FloorPolicy
    start_s: float
    end_s: float
    wakes: int = 0
    desired: list[tuple[float, int]] = field(default_factory=list)
    floors: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Asleep: no pods, no data, the activator in the way."""
        self.now_s = self.start_s
        self.flight = Flight(self.load, self.service)
        self.pods = Pods(self.service)
        self.signal = Signal(self.settings, self.service.phases)
        self.ticks = Ticks(self.service.phases.tick_s, self.settings)
        self.decider = Decider(self.settings, self.start_s, 0)
        self.decider.desired, self.decider.excess_burst_capacity = 0, -1
        self.autoscaler = PodAutoscaler(self.start_s)
        self.autoscaler.status = Status(Activity.INACTIVE, "NoTraffic", self.start_s, True)
        self.again_at_s = NEVER
        self.look_at_s = self.start_s
        self.hush_at_s = NEVER
        self._seen_until_s = -NEVER
        self._view_s = SHORTEST_VIEW_S
        self._note()

    @property
    def floor(self) -> int:
        """What the policy wishes for, so far."""
        return self.settings.min_scale

    def run(self) -> None:
        """Until the end."""
        self._look()
        while self.now_s < self.end_s:
            self._step()

    def _step(self) -> None:
        """Go to the next event, and let it happen."""
        due_s = min(
            self.pods.next_ready_s, self.again_at_s, self.look_at_s, self.hush_at_s, self.end_s
        )
        if not self.pods.ready and self.flight.held_from is None:
            arrival_s = self.flight.next_arrival_s(self.now_s)
            if arrival_s <= due_s:
                self._arrive_in_vain(arrival_s)
                return
            if self.signal.silent or not self.flight.in_flight(self.now_s):
                self.signal.hush(self.now_s)
                self._happen(due_s)
                return
        elif self.signal.silent:
            self._wait_in_silence(due_s)
            return
        elif self._rests():
            arrival_s = self.flight.next_arrival_s(self.now_s) - 2.0
            if arrival_s > self.now_s:
                self._happen(min(due_s, arrival_s))
                return
        self._watch(due_s)

    def _wait_in_silence(self, due_s: float) -> None:
        """Replicas are ready and not asked, and the activator has nothing to tell."""
        arrival_s = self.flight.next_arrival_s(self.now_s)
        tick_s = NEVER if self._rests() else self.ticks.after(self.now_s)
        self.now_s = min(due_s, arrival_s, tick_s)
        if self.now_s == arrival_s:
            self._speak()
            if self.decider.desired == 0:
                self._tick()
                self._look()
        elif self.now_s == tick_s:
            self._tick()
        self._happen(self.now_s)

    def _speak(self) -> None:
        """The activator tells of a first request."""
        self.signal.wake(math.floor(self.now_s))
        self._seen_until_s = -NEVER
        self._view_s = SHORTEST_VIEW_S
        self._project(self.now_s + 4.0)

    def _rests(self) -> bool:
        """Replicas are ready, and neither requests nor decisions are under way."""
        remembers = self.settings.scale_down_delay_s > 0 and self.decider.desired > 0
        return (
            self.decider.desired == self.ticks.least(len(self.pods.ready))
            and not remembers
            and not self.decider.autoscaler.panicking
            and self.signal.is_flat(self.now_s)
            and not self.flight.in_flight(self.now_s)
        )

    def _watch(self, due_s: float) -> None:
        """Let time pass until a tick decides something new, or something else is due."""
        if self._seen_until_s < min(due_s, self.now_s + 2.5):
            self._project(min(due_s, self.now_s + self._view_s))
        until_s = min(due_s, self._seen_until_s, self.hush_at_s)
        poke_s = self._next_poke_s() if self.decider.desired == 0 else NEVER
        tick_s = self.ticks.next_that_matters(
            self.now_s, min(until_s, poke_s), self.decider, len(self.pods.ready), self.signal
        )
        if min(tick_s, poke_s) > until_s:
            self._view_s = min(2 * self._view_s, LONGEST_VIEW_S)
            self._happen(until_s)
            return
        self.now_s = min(tick_s, poke_s)
        self._tick()
        if poke_s <= tick_s:
            self._look()
        self._happen(self.now_s)

    def _happen(self, now_s: float) -> None:
        """Whatever is due until now."""
        self.now_s = now_s
        if self.hush_at_s <= now_s:
            self.signal.hush(now_s)
            self.hush_at_s = NEVER
        if self.pods.next_ready_s <= now_s:
            self._become_ready()
        if self.again_at_s <= now_s:
            self._reconcile()
        if self.look_at_s <= now_s:
            self._look()

    def _arrive_in_vain(self, now_s: float) -> None:
        """A request finds no replica: it waits, and the activator tells of it at once."""
        self.now_s = now_s
        self.wakes += 1
        self.signal.hush(now_s)
        self.flight.hold(now_s)
        self._speak()
        if self.decider.desired == 0:
            self._tick()
        self._look()
        self._happen(now_s)

    def _become_ready(self) -> None:
        before = len(self.pods.ready)
        self.pods.become_ready(self.now_s)
        if before == 0:
            if self.settings.scraped:
                self.signal.scraped_since = self.now_s
                self.signal.wake(math.floor(self.now_s - self.service.phases.scrape_s) + 1)
            self.flight.release(self.now_s)
        self._look_anew(before == 0)
        self._reconcile()

    def _tick(self) -> None:
        """The autoscaler decides."""
        before = self.decider.desired
        ready = len(self.pods.ready)
        told = self.decider.tick(self.now_s, ready, self.signal)
        self.ticks.taken(self.now_s, self.decider.last, ready)
        if not told:
            return
        self._note()
        if before > 0 and self.decider.desired == 0:
            self._look()
        self._reconcile()

    def _look(self) -> None:
        """The policy decides."""
        seen = Seen(
            self.flight.in_flight(self.now_s),
            self.flight.idle_since_s(self.now_s),
            len(self.pods.ready),
            len(self.pods.starting),
            self.floor,
            Memory(self.flight, self.now_s),
        )
        wish = self.policy.look(self.now_s, seen)
        self.look_at_s = wish.next_look_s if wish.next_look_s > self.now_s else NEVER
        if wish.floor != self.floor:
            self.settings = replace(self.settings, min_scale=wish.floor)
            self.floors.append((self.now_s, wish.floor))
            self._reconcile()

    def _reconcile(self) -> None:
        """Knative's controller acts, until it has nothing left to do."""
        for _ in range(4):
            ready, wanted = len(self.pods.ready), self.pods.wanted
            done = self.autoscaler.reconcile(self.now_s, self.settings, self.decider, ready, wanted)
            again = done.again_at_s
            self.again_at_s = NEVER if again is None else max(again, self.now_s + 1e-3)
            self._resize(done.replicas - wanted)
            if ready == len(self.pods.ready):
                return

    def _resize(self, change: int) -> None:
        if change > 0:
            self.pods.add(self.now_s, change)
        elif change < 0:
            ready = len(self.pods.ready)
            stopped = max(0, -change - len(self.pods.starting))
            self.pods.remove(
                self.now_s, -change, self.flight.stop(self.now_s, ready, stopped) if stopped else []
            )
            if stopped:
                self._lose(ready - stopped)

    def _lose(self, left: int) -> None:
        if not left:
            self.signal.hush(self.now_s)
            self.signal.scraped_since = NEVER
        self._look_anew(left == 0)

    def _look_anew(self, first_or_last: bool) -> None:
        """Replicas came or went: what was projected may not hold."""
        self.flight.settle(self.now_s, len(self.pods.ready))
        if self.service.slots or first_or_last:
            self._seen_until_s = -NEVER
            self._view_s = SHORTEST_VIEW_S

    def _project(self, until_s: float) -> None:
        """What will be reported if nothing changes."""
        signal = self.signal
        first, last = signal.bucket_of(self.now_s), signal.bucket_of(until_s) + 1
        edges = signal.edges(first - 1, last)
        means = self.flight.concurrency(edges)
        signal.unspark(self.now_s)
        if not self.settings.scraped:
            silent = np.flatnonzero(means[1:] < ANYTHING)
            self.hush_at_s = float(edges[silent[0] + 2]) if len(silent) else NEVER
        values = means[1:].copy()
        fresh = np.flatnonzero((means[:-1] < ANYTHING) & (values >= ANYTHING))
        for position in fresh:
            arrival = self.flight.next_arrival_s(float(edges[position + 1]) - 1e-9)
            span = float(edges[position + 2]) - arrival
            if 0 < span <= 1:
                signal.spark(arrival)
                values[position] = max(values[position] / span - 1.0, 0.0)
        values[values < ANYTHING] = 0.0
        signal.continue_with(first, values, (means[1:] >= ANYTHING) | (means[:-1] >= ANYTHING))
        self._seen_until_s = until_s

    def _next_poke_s(self) -> float:
        """When the activator's next report finds an autoscaler that wants nothing."""
        signal = self.signal
        first = signal.bucket_of(self.now_s) - signal.first
        busy = np.flatnonzero(signal.values[first:] > 0)
        report = self.service.phases.report_s + signal.first + first
        reports = [float(report + busy[0])] if len(busy) else []
        return min((s for s in (*signal.sparks, *reports) if s > self.now_s), default=NEVER)

    def _note(self) -> None:
        self.desired.append((self.now_s, self.decider.desired))
