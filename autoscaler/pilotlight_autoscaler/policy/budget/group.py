"""Pools that share one budget: who they are, what they ask, and what each may keep warm."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilotlight.api.meta import Mode
from pilotlight.api.warmpool import Budget, Term, WarmPoolPolicy, WarmPoolStatus
from pilotlight_autoscaler.observation import PREDICTOR, Observation
from pilotlight_autoscaler.policy.budget.allocation import allocate
from pilotlight_autoscaler.policy.budget.ask import Ask, Grant, Held
from pilotlight_autoscaler.policy.caps import ceiling
from pilotlight_autoscaler.policy.claims import wanted_of_predictor
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.plan import plan_floor, remembering
from pilotlight_autoscaler.policy.prices import prices
from pilotlight_autoscaler.policy.sight import seeing

SHORTEST_SLEEP_S = 60.0
"""Knative's autoscaler averages over as long before it lets the last replica go."""


@dataclass(frozen=True)
class Member:
    """One pool of a group.

    Args:
        ask: What it would keep warm.
        held: What it claims now.
        budget: Of its spec.
        mode: A pool that only says what it would do takes nothing away from the others.
    """

    ask: Ask
    held: Held
    budget: Budget
    mode: Mode = Mode.ACTIVE


def group(namespace: str, budget: Budget) -> str:
    """Who shares: the pools of a namespace, or those anywhere that give the same name."""
    return f"group/{budget.group}" if budget.group else f"namespace/{namespace}"


def member(
    pool: str,
    spec: WarmPoolPolicy,
    status: WarmPoolStatus,
    observation: Observation,
    now: datetime,
) -> Member | None:
    """What a pool brings into its group; ``None`` without a budget.

    Args:
        pool: A name that no other pool of the group has.
        spec: As for ``decide``.
        status: As for ``decide``.
        observation: As for ``decide``; its grant is not looked at.
        now: As for ``decide``.
    """
    if spec.budget is None:
        return None
    held = _held(status, observation, now)
    if observation.service is None:
        return Member(Ask(pool, 0, observation.gpus_per_replica), held, spec.budget, spec.mode)
    look = remembering(Look(spec, status, observation, observation.service, now))
    found, outcome = plan_floor(look, (ceiling(look),), seeing(look).sight)
    replicas = max(outcome.floor.replicas, wanted_of_predictor(look, outcome.floor.replicas))
    ask = Ask(
        pool,
        replicas,
        observation.gpus_per_replica,
        spec.budget.priority,
        _worths(look, found, replicas),
    )
    return Member(ask, held, spec.budget, spec.mode)


def share_out(members: Sequence[Member]) -> Mapping[str, Grant]:
    """What each member may keep warm; of differing budgets the smallest holds.

    Returns:
        By pool. For one in a dry run, what it would get if it took part.
    """
    active = [one for one in members if one.mode is Mode.ACTIVE]
    grants = dict(_allocated(active))
    for one in members:
        if one.mode is not Mode.ACTIVE:
            grants[one.ask.pool] = _allocated([*active, one])[one.ask.pool]
    return grants


def _allocated(members: Sequence[Member]) -> Mapping[str, Grant]:
    gpus = min((one.budget.gpus for one in members), default=0)
    before = {one.ask.pool: one.held for one in members}
    return allocate([one.ask for one in members], gpus, before)


def _held(status: WarmPoolStatus, seen: Observation, now: datetime) -> Held:
    names = {
        one.name
        for one in (seen.service.revisions if seen.service else ())
        if one.component == PREDICTOR
    }
    replicas = sum(claim.replicas for claim in status.floors if claim.revision in names)
    since = status.granted_since
    held_s = max(0.0, (now - since).total_seconds()) if since else 0.0
    return Held(replicas, seen.gpus_per_replica, held_s)


def _worths(look: Look, found: Iterable[Term], replicas: int) -> tuple[float, ...]:
    """What each replica is worth in an hour: its price at least, else nobody would keep it."""
    price = prices(look)
    known = [term for term in found if term.hourly_worth is not None]
    worths = [
        max(
            [price.replica_hour]
            + [term.hourly_worth or 0.0 for term in known if term.replicas > index]
        )
        for index in range(replicas)
    ]
    if worths and not known:
        worths[0] = max(worths[0], price.cold_start * _wakes_per_hour(look))
    return tuple(worths)


def _wakes_per_hour(look: Look) -> float:
    """How often it would wake if it slept in each of the last gaps that are long enough for it."""
    gaps = look.seen.recent.gaps_s if look.seen.recent else ()
    slept = sum(gap >= SHORTEST_SLEEP_S for gap in gaps)
    return 3600.0 * slept / sum(gaps) if slept else 0.0
