"""What a warm replica and a wake cost, from the spec and what is measured."""

from itertools import pairwise

from pilotlight.api.warmpool import Prices
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.policy.look import REACTION_S, Look
from pilotlight_autoscaler.policy.tiers import Tier, envelope

UNPRICED = Prices(replica_hour=1.0, cold_start=0.25)
"""Where no prices are given: costs are in replica-hours, and a wait weighs as much as 15 minutes
of a warm replica."""


def prices(look: Look) -> Prices:
    """The spec's; those that its target has led to; or those that are taken without any."""
    if look.spec.prices is not None:
        return look.spec.prices
    shadow = look.status.shadow_price
    if look.spec.target is not None and shadow is not None:
        return Prices(replica_hour=1.0, cold_start=shadow.replica_hours)
    return UNPRICED


def economics(look: Look) -> tuple[Economics, ...]:
    """What is traded for one replica: warm against the tier below it, and so on down to cold.

    Where nothing is saved below warm there is no price of keeping it.
    """
    price, tiers = prices(look), ladder(look)
    if len(tiers) < 2:
        return (Economics(0.0, 0.0, look.ahead_s, price.cold_start),)
    return tuple(_rung(look, upper, lower) for upper, lower in pairwise(tiers))


def _rung(look: Look, upper: Tier, lower: Tier) -> Economics:
    price, longer_s = prices(look), lower.wake_s - upper.wake_s
    keep_per_s = (upper.replica_hour - lower.replica_hour) / 3600
    # The time of waking is paid like warm time; the part of it at this rung's price is known to
    # whoever reads ``cold_start_s``.
    waking = longer_s * price.replica_hour / 3600 - lower.wake_s * keep_per_s
    return Economics(
        keep_per_s=keep_per_s,
        wake=max(0.0, waking),
        cold_start_s=lower.wake_s,
        per_request=price.cold_start * longer_s / look.ahead_s,
    )


def ladder(look: Look) -> tuple[Tier, ...]:
    """The tiers that this service can use and that are worth it, from warm to cold."""
    price = prices(look)
    asleep = [
        Tier(one.replica_hour, one.wake_seconds + REACTION_S, one.level)
        for one in look.spec.sleep
        if one.level in look.service.sleep_levels
    ]
    warm, cold = Tier(price.replica_hour, 0.0), Tier(0.0, look.ahead_s)
    return envelope((warm, *asleep, cold), price.cold_start / look.ahead_s)
