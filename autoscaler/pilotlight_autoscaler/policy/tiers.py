"""Warm, asleep or cold: each keeps a replica at its price, and lets people wait for its time.

A tier costs a line over the time that nobody comes: its price times that time, and at the end
what the wait costs. The cheapest tier for an idle time that is known is the lowest line. Who does
not know it and goes down the lines' lower envelope as time passes pays at most twice as much
(Irani, Shukla, Gupta: Online strategies for dynamic power management in systems with multiple
power-saving states, ACM TECS 2003): with two tiers that is the break-even of ski rental.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Tier:
    """One way to keep a replica.

    Args:
        replica_hour: What it costs for an hour.
        wake_s: For so long people wait who come to it.
        level: Of sleep; 0 for warm and for cold.
    """

    replica_hour: float
    wake_s: float
    level: int = 0


def wait_cost(tier: Tier, warm: Tier, per_second: float) -> float:
    """What one wake from a tier costs: the wait, and the time of waking, paid like warm time."""
    return tier.wake_s * (per_second + warm.replica_hour / 3600)


def envelope(tiers: Iterable[Tier], per_second: float) -> tuple[Tier, ...]:
    """The tiers that are cheapest for some idle time, by how long that has to be.

    Args:
        tiers: In any order; the one without a wait is warm.
        per_second: What a second of waiting costs the people who wait.
    """
    by_wait = sorted(tiers, key=lambda tier: (tier.wake_s, tier.replica_hour))
    warm, kept = by_wait[0], list[Tier]()
    for tier in by_wait:
        if kept and tier.replica_hour >= kept[-1].replica_hour:
            continue
        while len(kept) > 1 and (
            _crossing_s(kept[-1], tier, warm, per_second)
            <= _crossing_s(kept[-2], kept[-1], warm, per_second)
        ):
            kept.pop()
        kept.append(tier)
    return tuple(kept)


def break_evens_s(tiers: tuple[Tier, ...], per_second: float) -> tuple[float, ...]:
    """Idle times, rising, after which the next tier of an envelope is the cheaper one."""
    return tuple(
        _crossing_s(upper, lower, tiers[0], per_second) for upper, lower in pairwise(tiers)
    )


def tier_after(tiers: tuple[Tier, ...], per_second: float, idle_s: float) -> Tier:
    """Where a replica belongs that has been idle for so long, if nothing else is known.

    It is also where it belongs from the first moment on if ``idle_s`` is how long it will be.
    """
    passed = sum(limit_s <= idle_s for limit_s in break_evens_s(tiers, per_second))
    return tiers[passed]


def _crossing_s(upper: Tier, lower: Tier, warm: Tier, per_second: float) -> float:
    more = wait_cost(lower, warm, per_second) - wait_cost(upper, warm, per_second)
    return 3600 * more / (upper.replica_hour - lower.replica_hour)
