"""What the floor may not exceed: the spec's ceiling, and the share in a GPU budget."""

from pilotlight.api.warmpool import Reason, Term
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.words import several


def granted(look: Look) -> int | None:
    """Replicas that the budget allows; ``None`` without one.

    Who was not told yet keeps what it had, and has nothing at first: the budget holds before
    anybody has counted.
    """
    if look.spec.budget is None:
        return None
    told = look.seen.granted
    return told if told is not None else look.status.granted or 0


def ceiling(look: Look) -> Term:
    """The most that the spec allows to be kept warm."""
    most = look.spec.max_replicas
    return Term(reason=Reason.CEILING, replicas=most, message=f"maxReplicas is {most}")


def caps(look: Look) -> tuple[Term, ...]:
    """Upper bounds of the floor, with their reasons."""
    allowed = granted(look)
    if allowed is None:
        return (ceiling(look),)
    message = f"the budget allows {several(allowed, 'replica')}"
    return (ceiling(look), Term(reason=Reason.BUDGET, replicas=allowed, message=message))


def cut(wish: Term, bounds: tuple[Term, ...]) -> Term:
    """A wish within its bounds; one that is cut has the bound's reason, and says what it was."""
    lowest = min(bounds, key=lambda bound: bound.replicas)
    if wish.replicas <= lowest.replicas:
        return wish
    message = f"{lowest.message}; wanted are {wish.replicas}: {wish.message}"
    return lowest.model_copy(update={"message": message})
