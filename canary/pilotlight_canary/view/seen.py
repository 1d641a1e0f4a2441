"""Everything that is shown of one rollout at one moment: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import InferenceRolloutStatus
from pilotlight_canary.timeline import CheckPlan, check_plans


@dataclass(frozen=True)
class PodSeen:
    """One pod of one of the two versions."""

    name: str
    revision: str
    state: str
    """In the words of who waits for it: ``ready``, ``starts``, ``stopping``, or why it cannot."""
    ready: bool
    restarts: int
    created_at: datetime


@dataclass(frozen=True)
class EventSeen:
    """Something that the controller told."""

    at: datetime
    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True)
class ControllerSeen:
    """Whether a controller does its work.

    Attributes:
        alive: ``None``: it could not be seen.
        words: What is known of it, in words.
    """

    alive: bool | None
    words: str


@dataclass(frozen=True)
class Seen:
    """One rollout and what is around it.

    Attributes:
        traffic: Percentage by revision, as the gateway splits it now.
        notes: What could not be seen, and why.
    """

    rollout: InferenceRollout
    at: datetime
    traffic: Mapping[str, int] = field(default_factory=dict)
    pods: tuple[PodSeen, ...] = ()
    events: tuple[EventSeen, ...] = ()
    controller: ControllerSeen = ControllerSeen(None, "")
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> InferenceRolloutStatus:
        return self.rollout.status

    @cached_property
    def plans(self) -> Mapping[str, CheckPlan]:
        """What decides on each check."""
        return check_plans(self.rollout.spec.analysis)

    def share(self, revision: str) -> int | None:
        """A revision's percentage of the traffic; ``None``: unknown."""
        if not self.traffic:
            return None
        return self.traffic.get(revision, 0)

    def pods_of(self, revision: str) -> tuple[PodSeen, ...]:
        return tuple(pod for pod in self.pods if pod.revision == revision)
