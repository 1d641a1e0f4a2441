"""The floor before anybody claims it: all terms, within bounds, without flapping."""

from dataclasses import replace

from pilotlight.api.warmpool import Term
from pilotlight_autoscaler.policy.caps import cut
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.pressure import pressed
from pilotlight_autoscaler.policy.sight import Sight
from pilotlight_autoscaler.policy.steady import Steady, steady, window
from pilotlight_autoscaler.policy.target import shadow_price
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
    wish = cut(largest(found), bounds)
    return found, steady(look, wish, _later(look, bounds, sight), most)


def _later(look: Look, bounds: tuple[Term, ...], sight: Sight) -> int:
    """What would be wanted one window from now, if nothing came until then."""
    if not look.status.floor or not window(look):
        return 0
    then = replace(look, now=look.now + window(look))
    return cut(largest(terms(then, sight)), bounds).replicas


def remembering(look: Look) -> Look:
    """With what is learnt at this look before anything is decided from it."""
    learnt = {"pressure": pressed(look).memory, "shadow_price": shadow_price(look)}
    return replace(look, status=look.status.model_copy(update=learnt))
