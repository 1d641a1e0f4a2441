"""The floor that holds when nobody sees anything."""

from datetime import datetime

from pilotlight.api.warmpool import Reason, Term, WarmPoolPolicy
from pilotlight_autoscaler.policy.schedule import schedule_term


def safe_floor(spec: WarmPoolPolicy, now: datetime) -> Term:
    """The stated safe value, else the schedule's; never under the minimum nor over the ceiling.

    Nothing but the spec and the time goes into it, so that something that works without the
    controller comes to the same floor.
    """
    stated, scheduled = spec.fail_safe.replicas, schedule_term(spec.schedules, now)
    if stated is not None:
        replicas, words = stated, f"failSafe.replicas is {stated}"
    elif scheduled is not None:
        replicas, words = scheduled.replicas, scheduled.message
    else:
        replicas, words = 0, "no schedule wants any now"
    if replicas < spec.min_replicas:
        replicas, words = spec.min_replicas, f"minReplicas is {spec.min_replicas}"
    if replicas > spec.max_replicas:
        replicas, words = spec.max_replicas, f"{words}, and maxReplicas is {spec.max_replicas}"
    return Term(reason=Reason.FAIL_SAFE, replicas=replicas, message=words)
