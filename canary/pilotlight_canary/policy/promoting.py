"""All of the traffic, once the old version is sure to stay warm."""

from datetime import timedelta

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.observation import Readiness, Role
from pilotlight_canary.policy import task
from pilotlight_canary.policy.capacity import pods_for, shortage
from pilotlight_canary.policy.figures import with_figures
from pilotlight_canary.policy.limits import crashing
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.memory import recorded
from pilotlight_canary.policy.outcome import give_up, take_back
from pilotlight_canary.policy.stepping import back_because
from pilotlight_canary.policy.words import several

WHOLE = 100


def promoting(look: Look) -> Look:
    """First our Route to stable and the canary's pods, then 100 %, then see it arrive."""
    if look.status.weight:
        look = task.asked(look, *task.hooks(look, "rollout"), *task.hooks(look, "rollback"))
        look = with_figures(look)
    found = look.judge.judge(look.status.evidence, look.spec.analysis)
    if why := crashing(look) or back_because(look, found):
        return take_back(look, why)
    return _arriving(look) if look.status.weight == WHOLE else _preparing(look)


def _preparing(look: Look) -> Look:
    if look.stopped_by:
        reason = f"is ready to be promoted, but {look.stopped_by}"
        return look.but(reason=reason, waiting_since=None)
    look = look.but(waiting_since=look.status.waiting_since or look.now)
    if missing := _missing(look):
        if not look.waited_too_long:
            return look.stay(f"is promoted as soon as possible: {missing}")
        short = shortage(look, pods_for(look, WHOLE))
        if short:
            return give_up(look, f"no room to promote it: {short}")
        return take_back(look, f"could not be promoted: {missing}")
    reason = f"{look.status.canary_revision} gets all of the traffic"
    return look.but(weight=WHOLE, reason=reason, waiting_since=look.now, step_started_at=None)


def _missing(look: Look) -> str:
    pods, have = pods_for(look, WHOLE), look.canary_pods.ready
    if have < pods:
        return f"100 % need {several(pods, 'pod')}, {have} ready"
    if look.canary is None or look.canary.readiness is not Readiness.READY:
        return "Knative does not call it ready"
    if look.route(Role.STABLE) is None:
        return "our Route that keeps the old version warm is not ready"
    return ""


def _arriving(look: Look) -> Look:
    status = look.status
    if look.canary_share != WHOLE or look.view.rolled_out != status.canary_revision:
        return look
    window = timedelta(seconds=look.spec.rollback_window_seconds)
    until = look.now + window
    reason = (
        f"{status.canary_revision} has all of the traffic; {status.stable_revision} stays warm "
        f"until {until:%H:%M:%S} UTC"
    )
    look = recorded(look, status.component, stable=status.canary_revision)
    return look.to(
        Phase.WATCHING,
        reason,
        rollback_until=until,
        waiting_since=None,
        step_started_at=look.now,
        watched_seconds=0.0,
        over_limit=0,
    ).say("Promoted", reason, notify=True)
