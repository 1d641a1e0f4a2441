"""Policies to compare with: none, always, by the clock, and one that knows the future."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pilotlight.api.warmpool import Schedule
from pilotlight_autoscaler.policy.schedule import next_change, schedule_term
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.simulation.policy import Seen, Wish
from pilotlight_autoscaler.simulation.service import ServiceModel

NEVER = float("inf")
EARLY_S = 0.5
"""So much before its request a clairvoyant replica is ready."""


@dataclass(frozen=True)
class Fixed:
    """The same floor at all times; 0 is Knative's default.

    Args:
        floor: Replicas.
    """

    floor: int = 0

    def look(self, now_s: float, seen: Seen) -> Wish:
        """Once and for all."""
        del now_s, seen
        return Wish(self.floor, reason=f"always {self.floor}")


@dataclass(frozen=True)
class ByClock:
    """Schedules alone.

    Args:
        schedules: KEDA's fields.
        ahead_s: A start takes so long.
    """

    schedules: tuple[Schedule, ...]
    ahead_s: float = 0.0

    def look(self, now_s: float, seen: Seen) -> Wish:
        """What the clock says until it says something else."""
        del seen
        now = datetime.fromtimestamp(now_s, UTC)
        term = schedule_term(self.schedules, now, self.ahead_s)
        change = next_change(self.schedules, now, self.ahead_s)
        later = NEVER if change is None else max(change.timestamp(), now_s + 1.0)
        return Wish(term.replicas if term else 0, later, term.message if term else "")


@dataclass(frozen=True)
class KeepAlive:
    """One replica stays for a fixed time after the last request.

    Args:
        keep_s: For so long.
    """

    keep_s: float

    def look(self, now_s: float, seen: Seen) -> Wish:
        """Warm while the last request is not too long ago."""
        if seen.idle_since_s is None:
            return Wish(int(seen.in_flight > 0))
        over_s = seen.idle_since_s + self.keep_s
        return Wish(1, over_s) if now_s < over_s else Wish(0)


@dataclass(frozen=True)
class Clairvoyant:
    """Knows when the next request comes: sleeps only where that saves something, wakes in time.

    Nobody waits for a first replica, at the least idle time that this can be had for. Where one
    replica is not enough it leaves the rest to Knative.

    Args:
        load: The future.
        service: How long a start takes.
    """

    load: Load
    service: ServiceModel

    def look(self, now_s: float, seen: Seen) -> Wish:
        """Sleep if the next request is further away than a start."""
        if seen.in_flight:
            return Wish(0, reason="in use")
        ahead_s = max(self.service.starts) + EARLY_S
        next_s = self.load.next_s(now_s)
        if next_s - now_s <= ahead_s + 1.0:
            return Wish(1, next_s + 1.0, "the next request is close")
        return Wish(0, next_s - ahead_s, "the next request is far")
