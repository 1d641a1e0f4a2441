"""Which decision of the autoscaler changes something: the others need not be taken one by one."""

import math
from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.kpa import targets
from pilotlight_autoscaler.kpa.autoscaler import Scale
from pilotlight_autoscaler.kpa.decider import Decider
from pilotlight_autoscaler.kpa.settings import TICK_S, Aggregation, KpaSettings
from pilotlight_autoscaler.simulation.signal import Signal

FIRST_PART = 16
"""Ticks that are looked at together at first."""


@dataclass
class Ticks:
    """The moments at which a revision is looked at.

    Args:
        phase_s: Of the first one, after an even second.
        settings: Of the revision.
        over_s: The last tick taken at which ready pods were short by the panic threshold.
    """

    phase_s: float
    settings: KpaSettings
    over_s: float = -math.inf

    def taken(self, now_s: float, last: Scale, ready: int) -> None:
        """Remember what a tick came to."""
        pods = math.ceil(last.panic / targets.resolve(self.settings).aimed_at)
        if last.valid and pods / max(1, ready) >= self.settings.panic_threshold:
            self.over_s = now_s

    def after(self, now_s: float) -> float:
        """The next one."""
        number = math.floor((now_s - self.phase_s) / TICK_S) + 1
        while self.phase_s + TICK_S * number <= now_s:  # the division rounds
            number += 1
        return self.phase_s + TICK_S * number

    def between(self, now_s: float, until_s: float) -> Floats:
        """Those after ``now_s``, up to ``until_s``; shape (ticks,)."""
        first = self.after(now_s)
        count = max(0, math.floor((until_s - first) / TICK_S) + 1)
        return np.asarray(first + TICK_S * np.arange(count), dtype=np.float64)

    def least(self, ready: int) -> int:
        """What is wanted at least, however little comes: replicas go in steps."""
        settings = self.settings
        return math.floor(max(1, ready) / settings.max_scale_down_rate) * settings.reachable

    def next_that_matters(
        self, now_s: float, until_s: float, decider: Decider, ready: int, signal: Signal
    ) -> float:
        """The first tick with another outcome than the last one; infinity: there is none.

        It may be too early, never too late.
        """
        settings, panicking = self.settings, decider.autoscaler.panicking
        delayed = settings.scale_down_delay_s > 0
        linear = settings.aggregation is Aggregation.LINEAR
        if not linear or signal.silent or (panicking and delayed):
            tick = self.after(now_s)
            return tick if tick <= until_s else math.inf
        ticks = self.between(now_s, until_s)
        if not len(ticks):
            return math.inf
        first = self._first(ticks, decider, ready, signal)
        if delayed:  # the last tick before counts for the delay
            return float(ticks[max(first - 1, 0)])
        return float(ticks[first]) if first < len(ticks) else math.inf

    def _first(self, ticks: Floats, decider: Decider, ready: int, signal: Signal) -> int:
        """The index of the first that matters, sought in parts that grow."""
        low, size = 0, FIRST_PART
        while low < len(ticks):
            part = ticks[low : low + size]
            matters = np.flatnonzero(self._matter(part, decider, ready, signal))
            if len(matters):
                return low + int(matters[0])
            low, size = low + size, 4 * size
        return len(ticks)

    def _matter(self, ticks: Floats, decider: Decider, ready: int, signal: Signal) -> Flags:
        found = self._pods(ticks, ready, signal)
        panicking, burst = decider.autoscaler.panicking, self.settings.target_burst_capacity
        matters = self._in_panic(found, decider) if panicking else self._in_calm(found, decider)
        if burst > 0:
            free = ready * targets.resolve(self.settings).total - burst
            short = np.floor(free - found.panic) < 0
            matters |= found.data & (short != (decider.excess_burst_capacity < 0))
        return matters

    def _pods(self, ticks: Floats, ready: int, signal: Signal) -> "_Found":
        target = targets.resolve(self.settings).aimed_at
        stable, panic, data = signal.many(ticks)
        stable_pods, panic_pods = np.ceil(stable / target), np.ceil(panic / target)
        over = data & (panic_pods / max(1, ready) >= self.settings.panic_threshold)
        return _Found(
            ticks, data, over, self._bounded(stable_pods, ready), self._bounded(panic_pods, ready),
            panic,
        )  # fmt: skip

    def _bounded(self, pods: Floats, ready: int) -> Floats:
        settings = self.settings
        most = math.ceil(settings.max_scale_up_rate * max(1, ready))
        desired = np.minimum(np.maximum(pods, self.least(ready)), most)
        if settings.activation_scale > 1:
            raised = np.maximum(desired, settings.activation_scale)
            desired = np.where(pods > 0, raised, desired)
        return np.asarray(desired, dtype=np.float64)

    def _in_calm(self, found: "_Found", decider: Decider) -> Flags:
        return np.asarray(found.data & ((found.stable_pods != decider.desired) | found.over))

    def _in_panic(self, found: "_Found", decider: Decider) -> Flags:
        """More pods are wanted, or panic is over; and the last tick that prolongs it."""
        more = np.maximum(found.stable_pods, found.panic_pods) > decider.desired
        last = found.over & ~np.append(found.over[1:], False)
        since = np.where(found.over, found.ticks, self.over_s)
        calm_s = found.ticks - np.maximum.accumulate(since)
        return np.asarray(
            found.data & (more | last | (calm_s > self.settings.stable_window_s - TICK_S))
        )


@dataclass(frozen=True)
class _Found:
    """Figures at each tick; shape (ticks,)."""

    ticks: Floats
    data: Flags
    over: Flags
    stable_pods: Floats
    panic_pods: Floats
    panic: Floats
