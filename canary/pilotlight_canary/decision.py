"""What is decided: the next status, what shall be so in the cluster, and what people are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pilotlight.announcement import Announcement
from pilotlight.api.meta import FloorClaim
from pilotlight.api.rollout_status import Component, InferenceRolloutStatus
from pilotlight_canary.observation import Role


@dataclass(frozen=True)
class Task:
    """Something to be run beside the loop, once; to ask again is harmless."""

    name: str
    """As in ``status.tasks``."""
    revision: str
    """The canary for which it runs: another one starts anew."""


@dataclass(frozen=True)
class Desired:
    """How the cluster shall be; whoever carries it out writes only what differs."""

    percents: Mapping[Component, int] = field(default_factory=dict)
    """``canaryTrafficPercent`` by component; a component that is absent is left alone."""
    rolled_out: Mapping[Component, str] = field(default_factory=dict)
    """The revision that KServe has to take for the rolled-out one, where it may have lost it."""
    routes: Mapping[Role, str] = field(default_factory=dict)
    """Our Routes, and the revision of each; others of ours go away."""
    floors: tuple[FloorClaim, ...] = ()
    kept: frozenset[str] = frozenset()
    """Revisions that Knative's garbage collection shall not take."""
    restore: str = ""
    """A revision whose template the InferenceService shall have again."""
    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True)
class Decision:
    """One look's outcome.

    The status is stored first: whoever is killed in between goes on from it, since all of
    ``desired`` follows from it and from what is seen.
    """

    status: InferenceRolloutStatus
    desired: Desired
    announcements: tuple[Announcement, ...] = ()
    next_look_s: float = 15.0
