"""How many pods a revision needs now (``autoscaler/scaling/autoscaler.go``)."""

from dataclasses import dataclass
from typing import Protocol

from pilotlight_autoscaler.kpa import targets
from pilotlight_autoscaler.kpa.go_floats import ceil, floor, int32
from pilotlight_autoscaler.kpa.instants import nanoseconds
from pilotlight_autoscaler.kpa.settings import TICK_S, KpaSettings
from pilotlight_autoscaler.kpa.windows import MaximumWindow


class Averages(Protocol):
    """Where the metric comes from: a ``collector.Collection``, or figures for a what-if."""

    def stable_and_panic(self, now_s: float) -> tuple[float, float] | None:
        """Average of the metric over both windows; ``None``: there is no data to scale on."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The outcome of one look.

    Attributes:
        desired: Pods wanted, before bounds.
        excess_burst_capacity: Below zero the activator has to be in the way of requests.
        panicking: Whether the autoscaler only scales up at present.
        valid: Whether there was data; if not, nothing of this may be applied.
        stable: The metric over the stable window.
        panic: The metric over the panic window.
    """

    desired: int = 0
    excess_burst_capacity: int = 0
    panicking: bool = False
    valid: bool = False
    stable: float = 0.0
    panic: float = 0.0


class Autoscaler:
    """Remembers panic, and the wishes that a delayed fall outlives.

    Args:
        settings: Of the revision.
        now_s: When the autoscaler starts, in seconds.
        ready_pods: Pods that are ready then: with more than one it starts in panic, since it
            has no history that would tell what they are for.
    """

    def __init__(self, settings: KpaSettings, now_s: float, ready_pods: int) -> None:
        self.update(settings)
        delay_s = settings.scale_down_delay_s
        self._delay = MaximumWindow(delay_s, TICK_S) if delay_s > 0 else None
        self._panic_ns = nanoseconds(now_s) if ready_pods > 1 else None
        self._panic_pods = ready_pods

    def update(self, settings: KpaSettings) -> None:
        """Go on with other settings; the delay of a fall stays as it was at the start."""
        self.settings = settings
        self._target = targets.resolve(settings)
        self._panic_threshold = settings.panic_threshold
        self._window_ns = nanoseconds(settings.stable_window_s)

    @property
    def panicking(self) -> bool:
        """Whether only more pods are asked for, never fewer."""
        return self._panic_ns is not None

    def scale(self, now_s: float, ready_pods: int, stats: Averages) -> Scale:
        """Look once.

        Args:
            now_s: In seconds; never before the last look.
            ready_pods: Pods that are ready now.
            stats: The metric, as collected so far.
        """
        averages = stats.stable_and_panic(now_s)
        if averages is None:
            return Scale(panicking=self.panicking)
        stable, panic = averages
        stable_pods = ceil(stable / self._target.aimed_at)
        panic_pods = ceil(panic / self._target.aimed_at)
        present = float(max(1, ready_pods))

        self._panic_or_calm(nanoseconds(now_s), panic_pods / present >= self._panic_threshold)
        desired = self._bounded(stable_pods, present)
        if self.panicking:
            self._panic_pods = max(self._panic_pods, desired, self._bounded(panic_pods, present))
            desired = self._panic_pods
        if self._delay is not None and self.settings.reachable:
            self._delay.record(now_s, desired)
            desired = self._delay.current
        excess = self._excess_burst_capacity(ready_pods, panic)
        return Scale(desired, excess, self.panicking, True, stable, panic)

    def _bounded(self, pods: float, present: float) -> int:
        """What the rates allow; they are relative to ready pods, and to one where none is."""
        settings = self.settings
        most = ceil(settings.max_scale_up_rate * present)
        least = floor(present / settings.max_scale_down_rate) if settings.reachable else 0.0
        bounded = int32(min(max(pods, least), most))
        if settings.activation_scale > 1 and pods > 0:
            return max(bounded, settings.activation_scale)
        return bounded

    def _panic_or_calm(self, now_ns: int, over_threshold: bool) -> None:
        """Panic lasts until a stable window has passed since the threshold was last reached."""
        if over_threshold:
            self._panic_ns = now_ns
        elif self._panic_ns is not None and self._panic_ns + self._window_ns < now_ns:
            self._panic_ns = None
            self._panic_pods = 0

    def _excess_burst_capacity(self, ready_pods: int, panic: float) -> int:
        burst = self.settings.target_burst_capacity
        if burst == 0:
            return 0
        if burst < 0:
            return -1
        return int32(floor(ready_pods * self._target.total - burst - panic))


def initial_excess_burst_capacity(settings: KpaSettings) -> int:
    """Before the first look (``createScaler`` in ``autoscaler/scaling/multiscaler.go``)."""
    burst = settings.target_burst_capacity
    if burst in (-1, 0):
        return int(burst)
    return int32(settings.initial_scale * targets.resolve(settings).total - burst)
