"""What is decided: the next status, what is claimed, and what people are told."""

from dataclasses import dataclass

from pilotlight.announcement import Announcement
from pilotlight.api.meta import FloorClaim
from pilotlight.api.warmpool import WarmPoolStatus


@dataclass(frozen=True)
class Decision:
    """One look's outcome.

    Whoever is killed after the status was stored goes on from it. In between looks the status is
    kept in memory: a change that is not urgent is one of the books (cost, counts), and may be
    stored later.
    """

    status: WarmPoolStatus
    announcements: tuple[Announcement, ...] = ()
    next_look_s: float = 15.0
    urgent: bool = True

    @property
    def floors(self) -> tuple[FloorClaim, ...]:
        """What is claimed of each revision; nothing in a dry run."""
        return self.status.floors
