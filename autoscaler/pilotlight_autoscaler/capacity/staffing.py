"""How many replicas: for the load, for its variability, for failures, ramps and rollouts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from pilotlight_autoscaler.capacity.queueing import waiting, waiting_of_users
from pilotlight_autoscaler.capacity.traffic import Load, Traffic

STABLE_WINDOW_S = 60.0
"""Knative's ``stable-window``: what the autoscaler sees of a ramp is half of it old."""

TICK_S = 2.0
"""Knative's autoscaler looks every two seconds."""


class Queues(StrEnum):
    """Where a request waits that finds no free slot."""

    EACH = "each"
    """At the replica that the gateway picked, even if another one is free."""
    POOLED = "pooled"
    """In an activator, for a slot of any of its replicas: Knative gives each activator replicas of
    its own (``assignSlice``, ``activator/net/throttler.go``)."""


@dataclass(frozen=True)
class Reserve:
    """What is kept beyond the load.

    Args:
        waiting: This share of requests may find all slots taken.
        spare: Replicas that may fail at once.
        rollout_surge: Replicas of a new version beside the old ones, as a share of them.
        queues: Where they wait.
        activators: Among how many the replicas are divided, if they wait there.
    """

    waiting: float = 0.01
    spare: int = 1
    rollout_surge: float = 1.0
    queues: Queues = Queues.EACH
    activators: int = 3


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

    def share(replicas: int) -> float:
        return waits(replicas, slots, traffic, load, residence_s, reserve)

    for_variability = fewest(lambda replicas: share(replicas) <= reserve.waiting, for_load)
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
        waiting=share(total),
        rollout=total + ceil(total * reserve.rollout_surge - 1e-9),
        horizon_s=horizon,
        warm_ahead=ahead,
        floor=1 if ahead is None else min(total, max(1, ceil(traffic.low * total - 1e-9) + ahead)),
    )


def fewest(enough: Callable[[int], bool], least: int) -> int:
    """The smallest number from ``least`` on that is enough; more is never worse."""
    if enough(least):
        return least
    low, high = least, 2 * least
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def queue_count(replicas: int, reserve: Reserve) -> int:
    """Queues among which the replicas are divided."""
    return replicas if reserve.queues is Queues.EACH else min(replicas, reserve.activators)


def waits(
    replicas: int, slots: int, traffic: Traffic, load: Load, residence_s: float, reserve: Reserve
) -> float:
    """Share of requests that find all slots taken: of the replica picked, or of one activator.

    Each queue is a system by itself: it sees its part of the requests, and a user is away from it
    for as long as the visits to the others take. That is exact for a gateway that picks at
    random, and too careful for one that deals requests out in turn. Where replicas do not divide
    evenly, the queue with the fewest is counted.
    """
    queues = queue_count(replicas, reserve)
    servers = replicas // queues * slots
    if load.users is None:
        return waiting(servers, load.in_flight / queues)
    away_s = queues * (residence_s + traffic.think_s) - residence_s
    return waiting_of_users(servers, ceil(load.users), residence_s, away_s)
