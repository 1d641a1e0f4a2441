"""Whether a revision is active (``reconciler/autoscaling/kpa/kpa.go``)."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from pilotlight_autoscaler.kpa.settings import KpaSettings


class Activity(StrEnum):
    """The condition ``Active`` of a PodAutoscaler: true, false or unknown."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    ACTIVATING = "Activating"


@dataclass(frozen=True, slots=True)
class Status:
    """What a PodAutoscaler remembers.

    Attributes:
        activity: Whether the revision serves, sleeps, or is on its way up.
        reason: Of the condition; another reason counts as a change, too.
        since_s: Of the last change, in whole seconds as Kubernetes stores them.
        initialized: Whether the initial scale was reached once.
    """

    activity: Activity
    reason: str
    since_s: float
    initialized: bool = False

    @classmethod
    def new(cls, now_s: float) -> "Status":
        """Of a revision that was just made."""
        return cls(Activity.ACTIVATING, "Queued", float(math.floor(now_s)))

    def mark(self, activity: Activity, reason: str, now_s: float) -> "Status":
        """The condition as it shall be; the same again changes nothing."""
        if (activity, reason) == (self.activity, self.reason):
            return self
        return replace(self, activity=activity, reason=reason, since_s=float(math.floor(now_s)))


def ready_pods_needed(settings: KpaSettings, status: Status) -> int:
    """From so many ready pods on a revision is active."""
    least = settings.min_scale if settings.reachable else 0
    return max(least, 1 if status.initialized else settings.initial_scale)


def updated(
    settings: KpaSettings, status: Status, want: int, ready_pods: int, now_s: float
) -> Status:
    """The status after a look.

    Args:
        settings: Of the revision.
        status: Before.
        want: Pods wanted, or ``decider.UNKNOWN``.
        ready_pods: Pods that are ready.
        now_s: In seconds.
    """
    needed = ready_pods_needed(settings, status)
    if ready_pods >= needed and not status.initialized:
        status = replace(status, initialized=True)
    awake = want > 0 or status.activity is not Activity.INACTIVE
    if want == 0 or needed == 0:
        failed = status.activity is Activity.ACTIVATING and needed > 0
        return status.mark(Activity.INACTIVE, "TimedOut" if failed else "NoTraffic", now_s)
    if ready_pods >= needed:
        return status.mark(Activity.ACTIVE, "", now_s) if awake else status
    if awake:
        return status.mark(Activity.ACTIVATING, "Queued", now_s)
    return status.mark(Activity.INACTIVE, "NoTraffic", now_s)
