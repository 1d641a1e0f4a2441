"""A rollout is deleted: leave the traffic as a person would want to find it."""

from datetime import datetime

from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.rollout_status import InferenceRolloutStatus, Phase
from pilotlight_canary.decision import Decision, Desired
from pilotlight_canary.observation import ComponentView, Observation
from pilotlight_canary.policy.course import UNDECIDED, ended
from pilotlight_canary.policy.judge import Judge, Statistics
from pilotlight_canary.policy.look import Look

SOON_S = 1.0
DONE_S = 0.0


def release(
    spec: RolloutPolicy,
    status: InferenceRolloutStatus,
    observation: Observation,
    now: datetime,
    judge: Judge | None = None,
) -> Decision:
    """Mid-rollout back to stable, held at 0 %; otherwise the split is left alone.

    Routes, floors and marks are gone in any case. ``next_look_s`` is 0 once nothing is left to do.
    """
    look = Look(spec, status, observation, now, judge or Statistics())
    look = look.but(floors=(), paused=False)
    service = observation.service
    view = service.components.get(status.component) if service else None
    if view is None or not _is_midway(status, view):
        return Decision(look.status, Desired(), look.said, DONE_S)
    stable = status.stable_revision
    reason = (
        f"the rollout is deleted: {stable} gets all of the traffic, the new version stays at 0 %"
    )
    if status.reason != reason:
        look = look.but(reason=reason, weight=0).warn("Released", reason)
    is_back = view.traffic.get(stable, 0) == 100
    desired = Desired(
        percents={status.component: 0} if view.latest_created not in ("", stable) else {},
        rolled_out={status.component: stable},
    )
    return Decision(look.status, desired, look.said, DONE_S if is_back else SOON_S)


def _is_midway(status: InferenceRolloutStatus, view: ComponentView) -> bool:
    if ended(status) or not status.stable_revision:
        return False
    if status.phase is Phase.ROLLING_BACK:
        return True
    promoted = view.percent in (None, 100) and view.rolled_out == status.canary_revision
    return status.phase in UNDECIDED and not (status.weight == 100 and promoted)
