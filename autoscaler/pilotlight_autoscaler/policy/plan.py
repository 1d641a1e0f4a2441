"""The floor before anybody claims it: all terms, within bounds, without flapping."""

from pilotlight.api.warmpool import Term
from pilotlight_autoscaler.policy.caps import cut
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.sight import Sight
from pilotlight_autoscaler.policy.steady import Steady, steady
from pilotlight_autoscaler.policy.terms import largest, terms


def plan_floor(
    look: Look, bounds: tuple[Term, ...], sight: Sight
) -> tuple[tuple[Term, ...], Steady]:
    """The terms, and the floor that follows from them.

    Args:
        look: At which it is decided.
        bounds: What the floor may not exceed.
        sight: How well the demand is seen.
    """
    found = terms(look, sight)
    most = min(bound.replicas for bound in bounds)
    return found, steady(look, cut(largest(found), bounds), most)
