"""Before any traffic: the revision, room for it, its pods, its Route, and its warm-up."""

from datetime import timedelta

from pilotlight.api.rollout_status import Phase, TaskState
from pilotlight_canary.observation import Readiness, Role
from pilotlight_canary.policy import task
from pilotlight_canary.policy.capacity import first_pods, shortage
from pilotlight_canary.policy.limits import crashing
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.outcome import give_up, take_back
from pilotlight_canary.policy.version import is_new, version
from pilotlight_canary.policy.words import lasting, several

SETTLING = timedelta(seconds=10)
"""Knative needs a moment before anything can be said of a new revision's pods."""


def held(look: Look) -> Look:
    """Wait for the revision, for whom a webhook asks, and for room."""
    if refused := _both_changed(look):
        return take_back(look, refused, announced="BothChanged")
    if look.canary is None:
        return look.stay("waits until KServe and Knative have made the new revision")
    gates = task.hooks(look, "confirm-rollout")
    look = task.asked(look, *gates)
    if not task.passed(look, *gates):
        waiting = task.first_in(look, TaskState.WAITING, gates)
        return look.stay(f"waits for {task.told(look, waiting)}")
    pods = first_pods(look)
    known = look.seen.room is not None or look.canary_pods.unschedulable
    if look.canary_pods.ready < pods and not known:
        return look.stay(
            f"is there room for {several(pods, 'pod')} of {look.status.canary_revision}?"
        )
    if short := shortage(look, pods):
        if look.status.started_at and look.now - look.status.started_at < SETTLING:
            return look.stay(short)
        return _no_room(look.but(waiting_since=look.now), short)
    return look.to(
        Phase.WARMING, f"{look.status.canary_revision} is brought up", waiting_since=look.now
    )


def no_capacity(look: Look) -> Look:
    """Try again until the deadline; the version is not to blame."""
    pods = first_pods(look)
    if short := shortage(look, pods):
        if look.waited_too_long:
            return give_up(look, f"no room within {_deadline(look)}: {short}")
        return look.stay(f"waits for room: {short}")
    return look.to(Phase.WARMING, "there is room now")


def warming(look: Look) -> Look:
    """Wait for the pods that the first step needs, then have them warmed up."""
    canary = look.canary
    if canary is None:
        return take_back(look, f"{look.status.canary_revision} is gone")
    pods = first_pods(look)
    if crashed := crashing(look):
        return take_back(look, crashed)
    if short := shortage(look, pods):
        return _no_room(look, short)
    if canary.readiness is Readiness.FAILED and not canary.pods.total:
        return take_back(look, f"{canary.name} does not come up: {canary.message}")
    if missing := _missing(look, pods):
        if look.waited_too_long:
            return take_back(look, f"not ready within {_deadline(look)}: {missing}")
        return look.stay(f"waits: {missing}")
    return _warmed_up(look)


def _warmed_up(look: Look) -> Look:
    if look.spec.warm_up.prompts is None and not look.spec.warm_up.recent_prompts:
        return _on(look)
    look = task.asked(look, task.WARM_UP)
    if task.state(look, task.WARM_UP) is TaskState.REFUSED:
        return take_back(look, task.told(look, task.WARM_UP))
    if not task.passed(look, task.WARM_UP):
        return look.stay(f"is warmed up ({task.told(look, task.WARM_UP)})")
    return _on(look)


def _on(look: Look) -> Look:
    if look.status.returning:
        reason = "stable's own template: warmed up, no analysis is needed"
        return look.to(Phase.PROMOTING, reason, waiting_since=look.now)
    return look.to(Phase.GATING, "its pods are up and warm", waiting_since=None)


def _missing(look: Look, pods: int) -> str:
    canary, have = look.canary, look.canary_pods
    why = have.crash or (canary.message if canary else "")
    because = f" ({why})" if why else ""
    if have.ready < pods:
        return f"{have.ready} of {several(pods, 'pod')} ready{because}"
    if canary is None or canary.readiness is not Readiness.READY:
        return f"Knative does not call it ready{because}"
    if look.route(Role.CANARY) is None:
        route = look.seen.routes.get(Role.CANARY)
        return f"our Route to it is not ready{f' ({route.message})' if route else ''}"
    return ""


def _no_room(look: Look, short: str) -> Look:
    reason = f"no room for {look.status.canary_revision}: {short}"
    if look.status.phase is Phase.NO_CAPACITY:
        return look.stay(reason)
    until = f"{reason}; it is tried again for {_deadline(look)}"
    return look.to(Phase.NO_CAPACITY, reason).warn("WaitingForCapacity", until, notify=True)


def _deadline(look: Look) -> str:
    return lasting(timedelta(seconds=look.spec.progress_deadline_seconds))


def _both_changed(look: Look) -> str:
    if look.spec.on_both_changed != "refuse":
        return ""
    changed = [
        f"{component} {version(look.service, view, record.stable).identity}"
        for component, view in sorted(look.service.components.items())
        if (record := look.status.components.get(component)) and record.stable
        if is_new(look.service, view, record.stable)
        and version(look.service, view, record.stable).identity != record.rejected
    ]
    if len(changed) < 2:
        return ""
    return (
        f"{' and '.join(changed)} changed together, which this rollout refuses "
        "(onBothChanged: refuse): neither gets traffic until one is changed by itself"
    )
