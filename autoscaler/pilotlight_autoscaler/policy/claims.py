"""Which revision holds how much of the floor, and until when."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pilotlight.api.meta import FloorClaim
from pilotlight_autoscaler.observation import PREDICTOR, Revision, Rollout, Service
from pilotlight_autoscaler.policy.look import Look

LASTS = timedelta(minutes=10)
"""A controller that is gone holds nobody's GPUs for longer, or for twice its TTL."""
MOST = 10
"""Entries in a status."""


def claims(look: Look, floor: int, most: int | None) -> tuple[FloorClaim, ...]:
    """The floor on the revisions that carry traffic, each in proportion to its share.

    A floor of 0 is claimed as well: the minimum in a revision's template is the safe value, and
    would keep it warm.

    Args:
        look: With the revisions, and the claims before.
        floor: Of the whole service.
        most: Replicas that the budget allows them together; ``None`` without one.
    """
    wanted = _wanted(look, floor, most)
    lasts = max(LASTS, timedelta(seconds=2 * look.spec.fail_safe.ttl_seconds))
    return tuple(_claim(look, name, wanted[name], lasts) for name in sorted(wanted)[:MOST])


def wanted_of_predictor(look: Look, floor: int) -> int:
    """Replicas that a floor comes to, rounded up on each revision that carries traffic."""
    percents = shares(look.service, PREDICTOR, look.seen.rollout)
    return sum(split(floor, percents).values()) if percents else 0


def shares(service: Service, component: str, rollout: Rollout | None) -> Mapping[str, int]:
    """Percent of the traffic by revision, where it is or is about to go."""
    revisions = [one for one in service.revisions if one.component == component]
    percents = {one.name: one.percent for one in revisions}
    if rollout is not None and component == PREDICTOR:
        ahead = {rollout.stable: 100 - rollout.weight, rollout.canary: rollout.weight}
        percents = {name: max(now, ahead.get(name, 0)) for name, now in percents.items()}
    return {name: percent for name, percent in percents.items() if percent > 0}


def split(floor: int, percents: Mapping[str, int], most: int | None = None) -> dict[str, int]:
    """A floor in proportion to shares: rounded up, so that the sum is no less than the floor.

    Where the sum would be more than ``most``, that is shared out instead, and the largest
    remainders are rounded up.
    """
    whole = min(100, sum(percents.values()))
    parts = {name: -(-floor * percent // whole) for name, percent in percents.items()}
    if most is None or sum(parts.values()) <= most:
        return parts
    return _apportioned(most, percents)


def _apportioned(replicas: int, percents: Mapping[str, int]) -> dict[str, int]:
    """The method of Hare and Niemeyer; ties go to the larger share, then by name."""
    whole = sum(percents.values())
    parts = {name: replicas * percent // whole for name, percent in percents.items()}
    left = replicas - sum(parts.values())
    by_remainder = sorted(
        percents, key=lambda name: (-(replicas * percents[name] % whole), -percents[name], name)
    )
    for name in by_remainder[:left]:
        parts[name] += 1
    return parts


def _wanted(look: Look, floor: int, most: int | None) -> dict[str, int]:
    service = look.service
    by_name = {one.name: one for one in service.revisions}
    wanted: dict[str, int] = {}
    for component in sorted({one.component for one in service.revisions}):
        percents = shares(service, component, look.seen.rollout)
        if not percents:
            wanted |= _as_before(look, component, floor)
        elif component == PREDICTOR:
            wanted |= split(floor, percents, most)
        else:
            # What stands in front takes many requests at once: one of it is enough to be awake.
            wanted |= dict.fromkeys(percents, min(floor, 1))
    return {name: _capped(by_name[name], replicas) for name, replicas in wanted.items()}


def _as_before(look: Look, component: str, floor: int) -> dict[str, int]:
    """While the gateway changes over nobody tells who has traffic: what held goes on to hold."""
    names = {one.name for one in look.service.revisions if one.component == component}
    held = {claim.revision: claim.replicas for claim in look.status.floors}
    return {name: min(held[name], floor) for name in names & held.keys()}


def _capped(revision: Revision, replicas: int) -> int:
    return replicas if revision.ceiling is None else min(replicas, revision.ceiling)


def _claim(look: Look, name: str, replicas: int, lasts: timedelta) -> FloorClaim:
    # Renewed when half of its time is over: a claim must not change the status at every look.
    for claim in look.status.floors:
        is_it = claim.revision == name and claim.replicas == replicas
        if is_it and _is_long(claim.expires_at, look.now, lasts):
            return claim
    return FloorClaim(revision=name, replicas=replicas, expires_at=look.now + lasts)


def _is_long(expires_at: datetime | None, now: datetime, lasts: timedelta) -> bool:
    return expires_at is not None and lasts / 2 < expires_at - now <= lasts
