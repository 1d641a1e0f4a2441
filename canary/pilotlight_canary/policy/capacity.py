"""How many pods each version needs, and the claims that keep them up."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pilotlight.api.meta import FloorClaim
from pilotlight.api.rollout_status import InferenceRolloutStatus, Phase
from pilotlight_canary.policy.course import ended
from pilotlight_canary.policy.look import Look

CLAIM_LASTS = timedelta(minutes=10)
"""A controller that is gone holds nobody's GPUs for longer."""
AFTERGLOW = timedelta(minutes=2)
"""Knative's autoscaler averages over a minute: until it has seen all of the traffic come back,
it would take the pods away that the traffic needs."""


def pods_for(look: Look, weight: int) -> int:
    """Pods that the canary needs for a share of the traffic: at least one, at most its bound."""
    share = max(1, -(-look.status.stable_replicas * weight // 100))
    ceiling = look.canary.ceiling if look.canary else None
    return min(share, ceiling) if ceiling else share


def first_pods(look: Look) -> int:
    """Pods that have to be up before the canary gets any traffic."""
    if look.status.returning or not look.weights:
        return pods_for(look, 100)
    return pods_for(look, look.weights[0])


def shortage(look: Look, pods: int) -> str:
    """What is missing, in words, if the cluster has no room for so many of the canary's pods."""
    have = look.canary_pods
    if have.ready >= pods:
        return ""
    if have.unschedulable:
        return have.unschedulable
    more, room = pods - have.total, look.seen.room
    if room is None or more <= room.replicas:
        return ""
    return f"{pods} pods are needed, {have.total} are there, and {room.reason or 'no more fit'}"


def with_most_of_stable(look: Look) -> Look:
    """Stable keeps the capacity that it had while it served: what load added stays, too."""
    if look.stable is None or look.status.weight >= 100:
        return look
    return look.but(stable_replicas=max(look.status.stable_replicas, look.stable.pods.ready))


def with_claims(look: Look) -> Look:
    """The floors that the phase needs, and no less than what each revision's template asks."""
    if ended(look.status):
        return look.but(floors=_not_expired(look), minimums={})
    revisions = look.service.revisions
    wanted = {name: pods for name, pods in _wanted(look).items() if name in revisions}
    minimums = {name: least for name, least in look.status.minimums.items() if name in revisions}
    for name in wanted:
        minimums.setdefault(name, revisions[name].floor)
    return look.but(
        minimums=minimums,
        floors=tuple(
            _claim(look.status, name, max(pods, minimums[name]), look.now)
            for name, pods in sorted(wanted.items())
        ),
    )


def afterglow(look: Look) -> Look:
    """The last claim on stable's pods, which ends by itself."""
    pods = max(1, look.status.stable_replicas)
    claim = FloorClaim(
        revision=look.status.stable_revision, replicas=pods, expires_at=look.now + AFTERGLOW
    )
    return look.but(floors=(claim,))


def _wanted(look: Look) -> Mapping[str, int]:
    status = look.status
    wanted = {status.stable_revision: max(1, status.stable_replicas)}
    if status.phase is Phase.ROLLING_BACK or not status.canary_revision:
        return wanted
    if status.phase in (Phase.PROMOTING, Phase.WATCHING):
        wanted[status.canary_revision] = pods_for(look, 100)
    elif status.step:
        wanted[status.canary_revision] = pods_for(look, max(look.step_weight, status.weight))
    elif status.phase is Phase.NO_CAPACITY:
        # Knative's own first pod goes on waiting, so that a cluster that can grow does; more
        # would only stand in stable's way.
        wanted[status.canary_revision] = 1
    elif status.phase is not Phase.HELD:
        wanted[status.canary_revision] = first_pods(look)
    return wanted


def _claim(status: InferenceRolloutStatus, name: str, pods: int, now: datetime) -> FloorClaim:
    # Renewed when half of its time is over: a claim must not change the status at every look.
    for claim in status.floors:
        is_it = claim.revision == name and claim.replicas == pods
        if is_it and claim.expires_at and claim.expires_at - now > CLAIM_LASTS / 2:
            return claim
    return FloorClaim(revision=name, replicas=pods, expires_at=now + CLAIM_LASTS)


def _not_expired(look: Look) -> tuple[FloorClaim, ...]:
    return tuple(
        claim
        for claim in look.status.floors
        if claim.revision == look.status.stable_revision
        and claim.expires_at is not None
        and look.now < claim.expires_at <= look.now + AFTERGLOW
    )
