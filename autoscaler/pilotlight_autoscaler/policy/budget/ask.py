"""What a pool asks of a budget, what it holds of it, and what it is granted."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Ask:
    """The replicas that one pool would keep warm.

    Args:
        pool: Its name, one of a kind in the group.
        replicas: How many.
        gpus: Of one replica; 0 takes nothing of the budget.
        priority: Higher comes first, whatever it is worth.
        worths: What the misses that the first, second, … replica avoids would cost in an hour;
            where it is shorter than ``replicas`` the last one counts for the rest. A replica is
            worth no more than the one before it.
    """

    pool: str
    replicas: int
    gpus: int
    priority: int = 0
    worths: tuple[float, ...] = ()

    def densities(self) -> Iterator[float]:
        """What each replica is worth per GPU and hour, never rising."""
        worth = float("inf") if self.worths else 0.0
        for index in range(self.replicas):
            if self.worths:
                worth = min(worth, self.worths[min(index, len(self.worths) - 1)])
            yield worth / max(1, self.gpus)


@dataclass(frozen=True)
class Held:
    """What a pool keeps warm now.

    Args:
        replicas: How many.
        gpus: Of one of them.
        held_s: Since it got the last of them.
    """

    replicas: int
    gpus: int
    held_s: float = float("inf")


@dataclass(frozen=True)
class Grant:
    """What a pool may keep warm, and why no more."""

    pool: str
    replicas: int
    message: str = ""
