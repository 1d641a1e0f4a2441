"""One look at a rollout: what is decided from, and what has been decided so far."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pilotlight.announcement import Announcement, Severity
from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.rollout_status import ComponentRecord, InferenceRolloutStatus, Phase
from pilotlight_canary.observation import (
    ComponentView,
    Observation,
    OwnRoute,
    Pods,
    Revision,
    Role,
    Service,
)
from pilotlight_canary.policy.judge import Judge

GONE = Pods()


@dataclass(frozen=True)
class Look:
    """The values of one decision; each rule returns another one, with the status changed."""

    spec: RolloutPolicy
    status: InferenceRolloutStatus
    seen: Observation
    now: datetime
    judge: Judge
    said: tuple[Announcement, ...] = ()

    def but(self, **changes: object) -> "Look":
        """The same with other fields of the status.

        Raises:
            TypeError: The status has no such field.
        """
        if unknown := changes.keys() - InferenceRolloutStatus.model_fields.keys():
            raise TypeError(f"InferenceRolloutStatus has no {', '.join(sorted(unknown))}")
        return replace(self, status=self.status.model_copy(update=changes))

    def to(self, phase: Phase, reason: str, **changes: object) -> "Look":
        """In another phase, or in the same for another reason."""
        return self.but(phase=phase, reason=reason, **changes)

    def stay(self, reason: str) -> "Look":
        """Nothing to do but to wait; the reason says for what."""
        return self.but(reason=reason)

    def say(self, reason: str, message: str, *, notify: bool = False) -> "Look":
        """Announce what went as it should."""
        return replace(
            self, said=(*self.said, Announcement(reason, message, Severity.NORMAL, notify))
        )

    def warn(self, reason: str, message: str, *, notify: bool = False) -> "Look":
        """Announce what did not."""
        return replace(
            self, said=(*self.said, Announcement(reason, message, Severity.WARNING, notify))
        )

    @property
    def service(self) -> Service:
        """The target, once it is known to exist.

        Raises:
            LookupError: It does not.
        """
        if self.seen.service is None:
            raise LookupError("the rollout has no target")
        return self.seen.service

    @property
    def view(self) -> ComponentView:
        """The component that is rolled out."""
        return self.service.components[self.status.component]

    @property
    def record(self) -> ComponentRecord:
        """What is remembered of it."""
        return self.status.components.get(self.status.component, ComponentRecord())

    @property
    def canary(self) -> Revision | None:
        """The new revision, once there is one."""
        return self.service.revisions.get(self.status.canary_revision)

    @property
    def canary_pods(self) -> Pods:
        """The new revision's pods."""
        return self.canary.pods if self.canary else GONE

    @property
    def stable(self) -> Revision | None:
        """The revision to which traffic goes back."""
        return self.service.revisions.get(self.status.stable_revision)

    @property
    def canary_share(self) -> int:
        """Percentage that the canary gets now."""
        return self.view.traffic.get(self.status.canary_revision, 0)

    @property
    def weights(self) -> tuple[int, ...]:
        """The steps before the promotion, which is the step to 100 %."""
        return tuple(weight for weight in self.spec.analysis.weights if weight < 100)

    @property
    def step_weight(self) -> int:
        """What the canary is to get in this step; 0 before the first."""
        if not self.status.step or not self.weights:
            return 0
        return self.weights[min(self.status.step, len(self.weights)) - 1]

    def route(self, role: Role) -> OwnRoute | None:
        """Our Route of this role, if it leads where it should and is ready."""
        revision = (
            self.status.stable_revision if role is Role.STABLE else self.status.canary_revision
        )
        route = self.seen.routes.get(role)
        return route if route and route.ready and route.revision == revision else None

    @property
    def waited_too_long(self) -> bool:
        """Pods, room or a Route have been waited for through the whole deadline."""
        since = self.status.waiting_since
        deadline = timedelta(seconds=self.spec.progress_deadline_seconds)
        return since is not None and self.now - since >= deadline

    @property
    def stopped_by(self) -> str:
        """Why it may not go on, if a person has stopped it."""
        if self.spec.suspend:
            return "it is suspended (spec.suspend)"
        if self.status.paused:
            return "a person has paused it"
        return ""
