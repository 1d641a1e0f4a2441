"""Which decision of the autoscaler changes something: the others need not be taken one by one."""

import math
from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.kpa import targets
from pilotlight_autoscaler.kpa.decider import Decider
from pilotlight_autoscaler.kpa.settings import TICK_S, Aggregation, KpaSettings
from pilotlight_autoscaler.simulation.signal import Signal


@dataclass(frozen=True)
class Ticks:
    """The moments at which a revision is looked at.

    Args:
        phase_s: Of the first one, after an even second.
        settings: Of the revision.
    """

    phase_s: float
    settings: KpaSettings

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
        plain = self.settings.aggregation is Aggregation.LINEAR and not signal.silent
        if decider.autoscaler.panicking or not plain:
            tick = self.after(now_s)
            return tick if tick <= until_s else math.inf
        ticks = self.between(now_s, until_s)
        if not len(ticks):
            return math.inf
        matters = np.flatnonzero(self._matter(ticks, decider, ready, signal))
        if self.settings.scale_down_delay_s > 0:  # the last tick before counts for the delay
            first = int(matters[0]) if len(matters) else len(ticks)
            return float(ticks[max(first - 1, 0)])
        return float(ticks[matters[0]]) if len(matters) else math.inf

    def _matter(self, ticks: Floats, decider: Decider, ready: int, signal: Signal) -> Flags:
        settings, target = self.settings, targets.resolve(self.settings)
        stable, panic, data = signal.many(ticks)
        present = max(1, ready)
        stable_pods = np.ceil(stable / target.aimed_at)
        panic_pods = np.ceil(panic / target.aimed_at)
        most = math.ceil(settings.max_scale_up_rate * present)
        desired = np.minimum(np.maximum(stable_pods, self.least(ready)), most)
        if settings.activation_scale > 1:
            raised = np.maximum(desired, settings.activation_scale)
            desired = np.where(stable_pods > 0, raised, desired)
        other = (desired != decider.desired) | (panic_pods / present >= settings.panic_threshold)
        burst = settings.target_burst_capacity
        if burst > 0:
            short = np.floor(ready * target.total - burst - panic) < 0
            other |= short != (decider.excess_burst_capacity < 0)
        return np.asarray(other & data)
