"""``decide``: one look's whole policy, from the spec, the status and what is seen."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pilotlight.api.meta import Mode
from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.rollout_status import Addresses, InferenceRolloutStatus, Phase
from pilotlight_canary.decision import Decision, Desired
from pilotlight_canary.observation import Observation, Role
from pilotlight_canary.policy.capacity import with_claims, with_most_of_stable
from pilotlight_canary.policy.course import BEFORE_TRAFFIC, ended, under_way
from pilotlight_canary.policy.desired import desired_by
from pilotlight_canary.policy.dry_run import dry_run
from pilotlight_canary.policy.gating import gating
from pilotlight_canary.policy.judge import Judge, Statistics
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.memory import remember
from pilotlight_canary.policy.promoting import promoting
from pilotlight_canary.policy.rest import rest
from pilotlight_canary.policy.rolling_back import rolling_back
from pilotlight_canary.policy.stepping import paused, stepping
from pilotlight_canary.policy.supersede import supersede
from pilotlight_canary.policy.target import trouble
from pilotlight_canary.policy.task import with_results
from pilotlight_canary.policy.warming import held, no_capacity, warming
from pilotlight_canary.policy.watching import watching
from pilotlight_canary.policy.wish import with_wish

MOST_TURNS = 20
SOON_S = 2.0
CALM_S = 60.0

RULES: Mapping[Phase, Callable[[Look], Look]] = {
    Phase.IDLE: rest,
    Phase.SUCCEEDED: rest,
    Phase.ROLLED_BACK: rest,
    Phase.HELD: held,
    Phase.NO_CAPACITY: no_capacity,
    Phase.WARMING: warming,
    Phase.GATING: gating,
    Phase.PROGRESSING: stepping,
    Phase.PAUSED: stepping,
    Phase.PROMOTING: promoting,
    Phase.WATCHING: watching,
    Phase.ROLLING_BACK: rolling_back,
}


def decide(
    spec: RolloutPolicy,
    status: InferenceRolloutStatus,
    observation: Observation,
    now: datetime,
    judge: Judge | None = None,
) -> Decision:
    """What follows from one look; asked twice with the same values it changes nothing more.

    Args:
        spec: What the user wants.
        status: As it was stored.
        observation: What is seen.
        now: The time, with its zone.
        judge: Weighs the evidence.
    """
    look = Look(spec, status, observation, now, judge or Statistics())
    stopped = trouble(look)
    if stopped is not None:
        return Decision(stopped.status, Desired(), stopped.said, CALM_S)
    if spec.mode is Mode.DRY_RUN:
        look = dry_run(look)
        return Decision(look.status, Desired(), look.said, _next_look_s(look))
    look = remember(with_results(look))
    look = with_most_of_stable(look) if under_way(look.status) else look
    look = remember(supersede(look))
    look = _through(with_wish(look, status.template_hash))
    look = _addressed(with_claims(look))
    return Decision(look.status, desired_by(look), look.said, _next_look_s(look))


def _through(look: Look) -> Look:
    """From phase to phase, as far as this look goes."""
    for _ in range(MOST_TURNS):
        before = look.status
        look = _turn(look)
        if look.status == before:
            break
    return look


def _turn(look: Look) -> Look:
    phase = look.status.phase
    if ended(look.status):
        return rest(look)
    waits_at_zero = phase in BEFORE_TRAFFIC or (phase is Phase.PAUSED and not look.status.step)
    if waits_at_zero and look.stopped_by:
        return paused(look, f"0 %: {look.stopped_by}", "Paused")
    if waits_at_zero and phase is Phase.PAUSED:
        return look.to(Phase.HELD, "goes on", waiting_since=None).say("Resumed", "goes on at 0 %")
    return RULES[phase](look)


def _addressed(look: Look) -> Look:
    stable, canary = (look.route(role) for role in (Role.STABLE, Role.CANARY))
    if ended(look.status):
        return look.but(addresses=Addresses())
    return look.but(
        addresses=Addresses(
            stable=stable.url if stable else "", canary=canary.url if canary else ""
        )
    )


def _next_look_s(look: Look) -> float:
    """Soon where the cluster is about to move; else when figures are due."""
    status, interval = look.status, look.spec.analysis.interval
    if ended(status):
        expiring = [claim.expires_at - look.now for claim in status.floors if claim.expires_at]
        return min(
            [CALM_S, *(max(timedelta(seconds=1), left).total_seconds() for left in expiring)]
        )
    if status.phase in (Phase.PROGRESSING, Phase.PAUSED, Phase.WATCHING) and status.step_started_at:
        until = status.rollback_until
        left_s = (until - look.now).total_seconds() if until else interval.total_seconds()
        return max(SOON_S, min(interval.total_seconds(), left_s))
    return min(SOON_S, interval.total_seconds())
