"""How many replicas: for the load, for its variability, for failures, ramps and rollouts."""

from dataclasses import dataclass
from math import ceil

from pilotlight_autoscaler.capacity.queueing import waiting, waiting_of_users
from pilotlight_autoscaler.capacity.traffic import Load, Traffic

STABLE_WINDOW_S = 60.0
"""Knative's ``stable-window``: what the autoscaler sees of a ramp is half of it old."""

TICK_S = 2.0
"""Knative's autoscaler looks every two seconds."""


@dataclass(frozen=True)
class Reserve:
    """What is kept beyond the load.

    Args:
        waiting: This share of requests may find all slots taken.
        spare: Replicas that may fail at once.
        rollout_surge: Replicas of a new version beside the old ones, as a share of them.
    """

    waiting: float = 0.01
    spare: int = 1
    rollout_surge: float = 1.0


@dataclass(frozen=True)
class Staff:
    """Replicas at the peak.

    Args:
        for_load: Enough slots for the average number in flight.
        for_variability: Enough that few requests wait.
        total: And as many may fail as was asked for.
        waiting: Share of requests that find all slots taken while none has failed.
        rollout: While a new version is rolled out, both versions together.
        horizon_s: So far ahead a replica must be asked for; ``None``: start time unknown.
        warm_ahead: Replicas beyond the need that a ramp of that speed takes; ``None``: unknown.
        floor: Warm replicas at the low point: its need, and those ahead of the ramp; at least one.
    """

    for_load: int
    for_variability: int
    total: int
    waiting: float
    rollout: int
    horizon_s: float | None
    warm_ahead: int | None
    floor: int


def staff(
    traffic: Traffic,
    load: Load,
    slots: int,
    residence_s: float,
    start_s: float | None,
    reserve: Reserve,
) -> Staff:
    """Replicas of ``slots`` requests at a time for a load whose requests take ``residence_s``."""
    for_load = max(1, ceil(load.in_flight / slots - 1e-9))
    for_variability = for_load
    while waits(for_variability * slots, traffic, load, residence_s) > reserve.waiting:
        for_variability += 1
    total = for_variability + reserve.spare
    horizon = None if start_s is None else start_s + STABLE_WINDOW_S / 2 + TICK_S
    ahead = None
    if horizon is not None and traffic.ramp_s is not None:
        growth = total * (1 - traffic.low) / traffic.ramp_s
        ahead = min(total, ceil(growth * horizon - 1e-9))
    return Staff(
        for_load=for_load,
        for_variability=for_variability,
        total=total,
        waiting=waits(total * slots, traffic, load, residence_s),
        rollout=total + ceil(total * reserve.rollout_surge - 1e-9),
        horizon_s=horizon,
        warm_ahead=ahead,
        floor=1 if ahead is None else min(total, max(1, ceil(traffic.low * total - 1e-9) + ahead)),
    )


def waits(slots: int, traffic: Traffic, load: Load, residence_s: float) -> float:
    """Share of requests that find all slots taken."""
    if load.users is None:
        return waiting(slots, load.in_flight)
    return waiting_of_users(slots, ceil(load.users), residence_s, traffic.think_s)
