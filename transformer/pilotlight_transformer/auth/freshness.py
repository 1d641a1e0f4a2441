"""When what was fetched is to be fetched again, and how long the old may serve."""

from dataclasses import dataclass

EARLY = 0.8
"""Share of the time to live after which the next one is fetched, so that it comes in time."""


@dataclass(slots=True)
class Freshness:
    """A policy over the clock ``monotonic``; all times in seconds.

    Args:
        ttl_s: How old the value becomes before it counts as old.
        stale_s: How long after that it still serves while it cannot be fetched.
        retry_s: Between attempts while they fail.
        again_s: At least so long after any attempt for something that is not in the value.
    """

    ttl_s: float
    stale_s: float
    retry_s: float
    again_s: float
    good_at: float | None = None
    tried_at: float | None = None
    failing: bool = False

    def due(self, now: float) -> bool:
        """Whether it is time to fetch."""
        if self.tried_at is None or self.good_at is None:
            return self.tried_at is None or now - self.tried_at >= self.retry_s
        if self.failing and now - self.tried_at < self.retry_s:
            return False
        return now - self.good_at >= EARLY * self.ttl_s

    def may_ask_again(self, now: float) -> bool:
        """Whether something unknown is worth a fetch before its time."""
        return self.tried_at is None or now - self.tried_at >= self.again_s

    def serves(self, now: float) -> bool:
        """Whether the last value may still be used."""
        return self.good_at is not None and now - self.good_at <= self.ttl_s + self.stale_s

    def succeeded(self, now: float) -> None:
        """It was fetched."""
        self.good_at = self.tried_at = now
        self.failing = False

    def failed(self, now: float) -> None:
        """It could not be fetched."""
        self.tried_at = now
        self.failing = True
