"""The floor that holds when nobody sees anything."""

from collections.abc import Mapping
from datetime import datetime

from pilotlight.api.meta import Mode
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


def is_due(spec: WarmPoolPolicy, lease_age_s: float | None) -> bool:
    """Whether a pool's controller has been silent for longer than the pool stands.

    Args:
        spec: Of the pool.
        lease_age_s: Since the controller renewed its Lease; negative where clocks disagree;
            ``None``: there is no Lease.
    """
    if spec.mode is Mode.DRY_RUN:
        return False
    return lease_age_s is None or lease_age_s > spec.fail_safe.ttl_seconds


def safe_floors(
    pools: Mapping[str, WarmPoolPolicy], lease_age_s: float | None, now: datetime
) -> Mapping[str, Term]:
    """By name, the floor of each pool that is left alone: what the fail-safe has to write."""
    return {
        name: safe_floor(spec, now) for name, spec in pools.items() if is_due(spec, lease_age_s)
    }
