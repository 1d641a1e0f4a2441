"""Policies to compare with: none, always, by the clock, and one that knows the future."""

from dataclasses import dataclass

from pilotlight_autoscaler.simulation.policy import Seen, Wish


@dataclass(frozen=True)
class Fixed:
    """The same floor at all times; 0 is Knative's default."""

    floor: int = 0

    def look(self, now_s: float, seen: Seen) -> Wish:
        """Once and for all."""
        del now_s, seen
        return Wish(self.floor, reason=f"always {self.floor}")
