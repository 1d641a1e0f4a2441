"""What the demonstration has come to: written by the story, read by the screen."""

from dataclasses import dataclass, field
from datetime import datetime

from pilotlight.api.warmpool import WarmPool
from pilotlight.demo.chapters import Chapters

REPLICA_HOUR = 4.0
"""Price of a replica: about that of a rented H100 for an hour."""


@dataclass
class Bill:
    """One of the two services, as people and the landlord see it.

    Attributes:
        ready: Replicas that answer now.
        starting: Replicas that are paid for and do not answer yet.
        replica_s: Paid for until now.
        waits_s: How long each request waited for its first word, in the order of asking.
        failed: Requests without an answer.
    """

    name: str
    ready: int = 0
    starting: int = 0
    replica_s: float = 0.0
    waits_s: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def price(self) -> float:
        """Of the replicas."""
        return self.replica_s / 3600 * REPLICA_HOUR


@dataclass
class Scene(Chapters):
    """Everything that is on the screen."""

    bills: tuple[Bill, ...] = ()
    pool: WarmPool | None = None
    hour: datetime | None = None
    """When people come."""
