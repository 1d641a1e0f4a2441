"""What a warm replica and a wake cost, from the spec and what is measured."""

from pilotlight.api.warmpool import Prices
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.policy.look import Look

UNPRICED = Prices(replica_hour=1.0, cold_start=0.25)
"""Where no prices are given: costs are in replica-hours, and a wait weighs as much as 15 minutes
of a warm replica."""


def prices(look: Look) -> Prices:
    """The spec's, or those that are taken without any."""
    return look.spec.prices or UNPRICED


def economics(look: Look) -> Economics:
    """What is traded for one replica of this service: warm against cold."""
    price = prices(look)
    return Economics(
        keep_per_s=price.replica_hour / 3600,
        wake=0.0,
        cold_start_s=look.ahead_s,
        per_request=price.cold_start,
    )
