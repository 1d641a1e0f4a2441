"""``decide``: one look's whole policy, from the spec, the status and what is seen."""

from datetime import datetime

from pilotlight.announcement import Announcement
from pilotlight.api.meta import Condition, FloorClaim, Mode
from pilotlight.api.warmpool import Asleep, Reason, Term, WarmPoolPolicy, WarmPoolStatus
from pilotlight_autoscaler.decision import Decision
from pilotlight_autoscaler.observation import PREDICTOR, Observation, Service
from pilotlight_autoscaler.policy.accounting import accounted
from pilotlight_autoscaler.policy.asleep import asleep
from pilotlight_autoscaler.policy.caps import caps, granted
from pilotlight_autoscaler.policy.claims import claims
from pilotlight_autoscaler.policy.conditions import announcements, conditions
from pilotlight_autoscaler.policy.findings import findings
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.plan import plan_floor, remembering
from pilotlight_autoscaler.policy.release import released
from pilotlight_autoscaler.policy.schedule import next_change
from pilotlight_autoscaler.policy.sight import Seeing, Sight, seeing
from pilotlight_autoscaler.policy.steady import Steady, window

LOOK_S = 15.0
SOON_S = 1.0


def decide(
    spec: WarmPoolPolicy, status: WarmPoolStatus, observation: Observation, now: datetime
) -> Decision:
    """What follows from one look; asked twice with the same values it changes nothing more.

    Args:
        spec: What the user wants.
        status: As it was decided last.
        observation: What is seen.
        now: The time, with its zone.
    """
    if observation.service is None:
        return released(status, now)
    look = Look(spec, status, observation, observation.service, now)
    return _decided(look, seeing(look))


def decide_blind(
    spec: WarmPoolPolicy, status: WarmPoolStatus, service: Service | None, now: datetime
) -> Decision:
    """What holds without a controller: the safe floor, at once, for its time is up already.

    Args:
        spec: What the user wants.
        status: As the controller left it.
        service: What can be seen without metrics.
        now: The time, with its zone.
    """
    if service is None:
        return released(status, now)
    at_once = spec.model_copy(update={"stabilization_window_seconds": 0})
    seen = Observation(service, cold_start_s=status.cold_start_seconds)
    since = min(status.blind_since or now, now)
    message = "the controller is gone: what holds is the safe value"
    return _decided(Look(at_once, status, seen, service, now), Seeing(Sight.BLIND, since, message))


def _decided(look: Look, seen: Seeing) -> Decision:
    status, look = look.status, remembering(look)
    found, outcome = plan_floor(look, caps(look), seen.sight)
    held = claims(look, outcome.floor.replicas, granted(look))
    told = findings(look, seen, outcome.floor, held)
    after = _status(look, outcome, found, seen.sight).model_copy(
        update={
            "blind_since": seen.blind_since,
            "floors": () if look.spec.mode is Mode.DRY_RUN else held,
            "conditions": conditions(told, status.conditions, look.now),
        }
    )
    said = (*_floor_said(status, after), *announcements(told, status.conditions))
    return Decision(after, said, _next_look_s(look, outcome), _is_urgent(status, after))


def _status(look: Look, outcome: Steady, found: tuple[Term, ...], sight: Sight) -> WarmPoolStatus:
    before, floor = look.status, outcome.floor
    moved = (before.floor, before.reason) != (floor.replicas, floor.reason)
    allowed = granted(look)
    pods = [one for one in look.service.revisions if one.component == PREDICTOR]
    return before.model_copy(
        update={
            "floor": floor.replicas,
            "reason": floor.reason,
            "message": floor.message,
            "terms": found,
            "lower_to": outcome.lower_to,
            "lower_since": outcome.lower_since,
            "asleep": asleep(look, floor.replicas, sight),
            "granted": allowed,
            "granted_since": _granted_since(look, allowed),
            "warm_replicas": sum(one.ready for one in pods),
            "starting_replicas": sum(one.starting for one in pods),
            "cold_start_seconds": None if look.seen.cold_start_s is None else look.cold_start_s,
            "decided_at": look.now if moved or not before.decided_at else before.decided_at,
            **accounted(look),
        }
    )


def _granted_since(look: Look, allowed: int | None) -> datetime | None:
    before = look.status
    if allowed is None:
        return None
    return look.now if before.granted is None or allowed > before.granted else before.granted_since


def _floor_said(before: WarmPoolStatus, after: WarmPoolStatus) -> tuple[Announcement, ...]:
    if after.floor == before.floor:
        return ()
    reason = "FloorRaised" if after.floor > before.floor else "FloorLowered"
    words = f"{before.floor} -> {after.floor} ({after.reason}): {after.message}"
    return (Announcement(reason, words),)


def _next_look_s(look: Look, outcome: Steady) -> float:
    moments = [next_change(look.spec.schedules, look.now, look.ahead_s)]
    if outcome.lower_since is not None:
        moments.append(outcome.lower_since + window(look))
    due = [(moment - look.now).total_seconds() for moment in moments if moment]
    return min([LOOK_S, *(max(SOON_S, left_s) for left_s in due)])


def _is_urgent(before: WarmPoolStatus, after: WarmPoolStatus) -> bool:
    return _matters(before) != _matters(after)


def _matters(
    status: WarmPoolStatus,
) -> tuple[
    int,
    Reason,
    tuple[FloorClaim, ...],
    int | None,
    tuple[Asleep, ...],
    list[tuple[str, str]],
    datetime | None,
]:
    """What a controller that starts anew goes on from, and what people wait for."""
    return (
        status.floor,
        status.reason,
        status.floors,
        status.granted,
        status.asleep,
        [_state(condition) for condition in status.conditions],
        status.blind_since,
    )


def _state(condition: Condition) -> tuple[str, str]:
    return condition.type, condition.status
