"""The same service, one report and one tick after the other: slow, and plain to read.

It shares Knative's model with the simulator (``kpa``), and nothing that makes the simulator quick.
"""

import heapq
from dataclasses import dataclass, field, replace
from itertools import count

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.kpa.collector import Collection, Stat
from pilotlight_autoscaler.kpa.decider import Decider
from pilotlight_autoscaler.kpa.pod_autoscaler import PodAutoscaler
from pilotlight_autoscaler.kpa.reports import ActivatorReporter
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.kpa.status import Activity, Status
from pilotlight_autoscaler.simulation.service import ServiceModel

PERIODS = {"report": 1.0, "scrape": 1.0, "tick": 2.0}


@dataclass
class PlainSimulation:
    """A service that sleeps at first; floors change at given times."""

    arrivals: Floats
    durations: Floats
    service: ServiceModel
    settings: KpaSettings
    floors: tuple[tuple[float, int], ...] = ()
    waits: dict[int, float] = field(default_factory=dict)
    queued: dict[int, float] = field(default_factory=dict)
    desired: list[tuple[float, int]] = field(default_factory=list)
    pods: list[tuple[float, int]] = field(default_factory=list)

    def run(self, start_s: float, end_s: float) -> None:
        self.events: list[tuple[float, int, str, int]] = []
        self.order = count()
        self.reporter = ActivatorReporter()
        self.collection = Collection(self.settings)
        self.decider = Decider(self.settings, start_s, 0)
        self.decider.desired, self.decider.excess_burst_capacity = 0, -1
        self.autoscaler = PodAutoscaler(start_s)
        self.autoscaler.status = Status(Activity.INACTIVE, "NoTraffic", start_s, True)
        self.held: list[int] = []
        self.waiting: list[int] = []
        self.running: list[int] = []
        self.elsewhere: list[int] = []
        self.ready: list[int] = []
        self.starting: list[int] = []
        self.started = 0
        for index, time in enumerate(self.arrivals):
            self.plan(float(time), "arrive", index)
        for time, floor in self.floors:
            self.plan(time, "floor", floor)
        phases = self.service.phases
        for what, phase in (
            ("report", phases.report_s),
            ("scrape", phases.scrape_s),
            ("tick", phases.tick_s),
        ):
            period = PERIODS[what]
            self.plan(phase + period * (start_s // period + 1), what)
        while self.events and self.events[0][0] < end_s:
            self.now, _, what, index = heapq.heappop(self.events)
            getattr(self, what)(index)
            if what in PERIODS:
                self.plan(self.now + PERIODS[what], what)
        self.waits |= {index: end_s - float(self.arrivals[index]) for index in self.held}
        for index in self.waiting:
            could = float(self.arrivals[index]) + self.waits.get(index, 0.0)
            self.queued[index] = end_s - could

    def plan(self, time: float, what: str, index: int = 0) -> None:
        heapq.heappush(self.events, (time, next(self.order), what, index))

    def arrive(self, index: int) -> None:
        early = self.reporter.arrive(self.now)
        if self.ready:
            self.waiting.append(index)
            self.admit(self.now)
        else:
            self.held.append(index)
        if early is not None:
            self.told(early)

    def admit(self, _: float) -> None:
        slots = self.service.container_concurrency * len(self.ready) or len(self.arrivals)
        while self.ready and self.waiting and len(self.running) < slots:
            index = self.waiting.pop(0)
            self.running.append(index)
            could = float(self.arrivals[index]) + self.waits.get(index, 0.0)
            if self.now - could > 1e-3:
                self.queued[index] = self.now - could
            self.plan(self.now + float(self.durations[index]), "leave", index)

    def leave(self, index: int) -> None:
        self.reporter.leave(self.now)
        if index in self.running:
            self.running.remove(index)
        self.admit(self.now)

    def report(self, _: int) -> None:
        stat = self.reporter.report(self.now)
        if stat is not None:
            self.told(stat)

    def told(self, stat: Stat) -> None:
        self.collection.record(self.now, stat)
        if self.decider.poked_by(stat):
            self.tick(0)

    def scrape(self, _: int) -> None:
        if self.ready and self.settings.scraped:
            self.collection.record(self.now, Stat())

    def tick(self, _: int) -> None:
        if self.decider.tick(self.now, len(self.ready), self.collection):
            self.desired.append((self.now, self.decider.desired))
            self.reconcile(0)

    def floor(self, floor: int) -> None:
        self.settings = replace(self.settings, min_scale=floor)
        self.reconcile(0)

    def become_ready(self, pod: int) -> None:
        if pod not in self.starting:
            return
        self.starting.remove(pod)
        self.ready.append(pod)
        for index in self.held:
            self.waits[index] = self.now - float(self.arrivals[index])
        self.waiting += self.held
        self.held.clear()
        self.admit(self.now)
        self.pods.append((self.now, len(self.ready)))
        self.reconcile(0)

    def again(self, planned: int) -> None:
        if planned == self.latest:
            self.reconcile(0)

    def reconcile(self, _: int) -> None:
        replicas = len(self.ready) + len(self.starting)
        done = self.autoscaler.reconcile(
            self.now, self.settings, self.decider, len(self.ready), replicas
        )
        self.latest = next(self.order)
        if done.again_at_s is not None:
            self.plan(max(done.again_at_s, self.now + 1e-3), "again", self.latest)
        before = len(self.ready)
        for _ in range(done.replicas - replicas):
            starts = self.service.starts
            self.starting.append(self.started)
            self.plan(self.now + starts[self.started % len(starts)], "become_ready", self.started)
            self.started += 1
        stopped = replicas - done.replicas - len(self.starting)
        for hand in range(stopped):  # what runs was dealt round to the replicas
            dealt = sorted(self.running)[hand::before]
            self.elsewhere += dealt
        for _ in range(replicas - done.replicas):
            (self.starting or self.ready).pop()
        self.running = [index for index in self.running if index not in self.elsewhere]
        if len(self.ready) != before:
            self.pods.append((self.now, len(self.ready)))
            self.reconcile(0)
