"""The port of a policy in the simulator: it looks, and says how many replicas stay warm."""

from dataclasses import dataclass
from typing import Protocol

from pilotlight_autoscaler.demand import Demand


class Past(Protocol):
    """What came until now; nothing later can be read from it."""

    @property
    def until_s(self) -> float:
        """Where the past ends."""
        ...

    def arrivals(self, since_s: float = float("-inf")) -> int:
        """Requests since then; since the beginning, if no time is given."""
        ...

    def gaps(self, most: int) -> tuple[float, ...]:
        """Lengths of the last idle times between requests, in seconds, oldest first."""
        ...

    def demand(self, start_s: float, step_s: float) -> Demand:
        """Requests and concurrency in full bins from a time until now."""
        ...


@dataclass(frozen=True)
class Seen:
    """What a policy sees of the service at a moment.

    Args:
        in_flight: Requests that wait or run.
        idle_since_s: When the last of them ended; ``None``: one is in flight, or none ever came.
        ready: Replicas that answer.
        starting: Replicas that do not yet.
        floor: What is wished for so far.
        past: The requests until now.
    """

    in_flight: int
    idle_since_s: float | None
    ready: int
    starting: int
    floor: int
    past: Past


@dataclass(frozen=True)
class Wish:
    """A floor until further notice.

    Args:
        floor: Replicas to keep at least.
        next_look_s: When the policy wants to look again. It also looks when Knative is about to
            let the last replica go, and when a request comes to a service that slept or was about
            to: a controller that looks every few seconds sees both.
        reason: In words.
    """

    floor: int
    next_look_s: float = float("inf")
    reason: str = ""


class FloorPolicy(Protocol):
    """How many replicas stay warm under Knative."""

    def look(self, now_s: float, seen: Seen) -> Wish:
        """Decide on the floor from here on."""
        ...
