"""Letting go of everything: the target is gone, or has another name."""

from datetime import datetime

from pilotlight.api.warmpool import Reason, WarmPoolStatus
from pilotlight_autoscaler.decision import Decision
from pilotlight_autoscaler.policy.conditions import Finding, announcements, conditions

CALM_S = 60.0
GONE = Finding(
    "TargetFound",
    False,
    "TargetGone",
    "there is no InferenceService of that name: nothing is held for it",
)


def released(status: WarmPoolStatus, now: datetime) -> Decision:
    """Nothing is claimed any more, and what was waited for is forgotten; the bill stays."""
    told = conditions([GONE], status.conditions, now)
    after = status.model_copy(
        update={
            "floor": 0,
            "reason": Reason.NO_TARGET,
            "message": GONE.message,
            "terms": (),
            "floors": (),
            "warm_replicas": 0,
            "starting_replicas": 0,
            "asleep": (),
            "lower_to": None,
            "lower_since": None,
            "blind_since": None,
            "pressure": None,
            "granted": None,
            "granted_since": None,
            "conditions": told,
        }
    )
    if after == status:
        return Decision(status, (), CALM_S, urgent=False)
    return Decision(
        after.model_copy(update={"decided_at": now}),
        announcements([GONE], status.conditions),
        CALM_S,
    )
