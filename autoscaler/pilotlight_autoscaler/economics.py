"""What is traded: a replica that waits for people against people who wait for a replica."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Economics:
    """Prices of one replica, in any one currency.

    Args:
        keep_per_s: Of a warm replica, for a second.
        wake: Of one wake from cold: what the people who wait for it cost, together.
        cold_start_s: How long a start takes (the 95th percentile of those measured): so far ahead
            has to be looked. Its time is paid like warm time.
        per_request: Of every request that waits for a wake, added to ``wake``.
    """

    keep_per_s: float
    wake: float
    cold_start_s: float
    per_request: float = 0.0

    @property
    def break_even_s(self) -> float:
        """For so long a replica may wait until it has cost as much as a wake."""
        return self.wake / self.keep_per_s if self.keep_per_s > 0 else float("inf")
