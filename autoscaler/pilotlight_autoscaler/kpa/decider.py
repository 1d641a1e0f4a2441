"""When a revision is looked at, and what is kept of it (``autoscaler/scaling/multiscaler.go``)."""

from pilotlight_autoscaler.kpa.autoscaler import (
    Autoscaler,
    Averages,
    Scale,
    initial_excess_burst_capacity,
)
from pilotlight_autoscaler.kpa.collector import Stat
from pilotlight_autoscaler.kpa.settings import TICK_S, KpaSettings

UNKNOWN = -1


class Decider:
    """The latest wish for a revision.

    The ticks come every ``TICK_S`` after the start. A poke is a tick more; it moves none.

    Args:
        settings: Of the revision.
        now_s: When it is looked at first, in seconds: when the revision was made, or when the
            autoscaler started.
        ready_pods: Pods that are ready then.

    Attributes:
        desired: Pods wanted; ``UNKNOWN`` until there was data.
        excess_burst_capacity: Of the latest valid look.
        last: The latest look, valid or not.
    """

    def __init__(self, settings: KpaSettings, now_s: float, ready_pods: int) -> None:
        self.autoscaler = Autoscaler(settings, now_s, ready_pods)
        self.first_tick_s = now_s + TICK_S
        self.desired = UNKNOWN
        self.excess_burst_capacity = initial_excess_burst_capacity(settings)
        self.last = Scale()

    def update(self, settings: KpaSettings) -> None:
        """Go on with other settings; the wish stays until the next look."""
        self.autoscaler.update(settings)

    def poked_by(self, stat: Stat) -> bool:
        """Whether an activator's report makes the autoscaler look at once: from zero it does."""
        return self.desired == 0 and stat.concurrency != 0

    def tick(self, now_s: float, ready_pods: int, stats: Averages) -> bool:
        """Look once; whether the pod autoscaler is told of it.

        It is told of another number of pods, and of a burst capacity that changed its sign.
        """
        scale = self.last = self.autoscaler.scale(now_s, ready_pods, stats)
        if not scale.valid:
            return False
        before = self.desired, self.excess_burst_capacity < 0
        self.desired, self.excess_burst_capacity = scale.desired, scale.excess_burst_capacity
        return before != (self.desired, self.excess_burst_capacity < 0)
