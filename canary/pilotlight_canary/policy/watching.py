"""After the promotion: the old version is warm, and going back takes a second."""

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.policy import task
from pilotlight_canary.policy.figures import past_limit, with_figures
from pilotlight_canary.policy.limits import crashing
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.memory import recorded
from pilotlight_canary.policy.outcome import finished, take_back


def watching(look: Look) -> Look:
    """Hard limits until the window ends; what a person does by hand is what he wants."""
    status = look.status
    look = task.asked(look, *task.hooks(look, "rollout"))
    look = with_figures(look)
    if _is_back_by_hand(look):
        return take_back(look, f"{status.stable_revision} was brought back by hand")
    if look.canary is None:
        return take_back(look, f"{status.canary_revision} is gone")
    if why := crashing(look) or past_limit(look):
        return take_back(look, f"after its promotion: {why}")
    if status.rollback_until is not None and look.now < status.rollback_until:
        return look
    return succeeded(look, f"{status.canary_revision} has all of the traffic")


def succeeded(look: Look, reason: str) -> Look:
    """The window is over. What stable's own template brought back is no success of the other."""
    component, is_restored = look.status.component, look.status.returning
    if is_restored and look.spec.on_rollback == "restore" and look.record.rejected:
        reason = f"{reason}: it is {look.status.stable_revision}'s template again"
        outcome = Phase.ROLLED_BACK
    else:
        outcome = Phase.SUCCEEDED
        look = recorded(look, component, rejected="")
    look = look.but(stable_revision=look.status.canary_revision)
    announced = "Succeeded" if outcome is Phase.SUCCEEDED else "Restored"
    look = finished(look, outcome, reason, announced=announced)
    return look.but(rollback_until=None, step_started_at=None, floors=())


def _is_back_by_hand(look: Look) -> bool:
    view, status = look.view, look.status
    return (
        view.rolled_out == status.stable_revision
        and view.traffic.get(status.stable_revision, 0) == 100
        and view.latest_created == status.canary_revision
    )
