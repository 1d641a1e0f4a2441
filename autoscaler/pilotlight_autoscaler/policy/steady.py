"""Up at once, down only when less has been enough for a while."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pilotlight.api.warmpool import Term
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.words import lasting

LOST_S = 600.0
"""A wait that is longer overdue was not watched: the controller was away, or a clock has jumped.
It begins anew."""


@dataclass(frozen=True)
class Steady:
    """The floor, and what is to become of it."""

    floor: Term
    lower_to: int | None = None
    lower_since: datetime | None = None


def window(look: Look) -> timedelta:
    """How long less has to be enough: as long as a start at least, if at all.

    Who lets go of a replica sooner than another would be up gains nothing by it.
    """
    seconds = look.spec.stabilization_window_seconds
    return timedelta(seconds=max(seconds, look.cold_start_s) if seconds else 0)


def steady(look: Look, wish: Term, later: int, most: int) -> Steady:
    """The floor that follows from the one before and a wish that is within its bounds.

    What is given up is what nobody asked for during the window, neither for then nor for one
    window later. So an end that is known, of a schedule or of an idle time, is met on time: less
    is enough for after it as soon as it is in sight. What comes as a surprise waits.

    Args:
        look: With the floor before.
        wish: What is wanted now.
        later: What would be wanted one window from now.
        most: The lowest bound, which holds at once.
    """
    before = min(look.status.floor, most)
    if not window(look) or wish.replicas > before:
        return Steady(wish)
    need = max(later, wish.replicas if wish.replicas < before else 0)
    if need >= before:
        return Steady(wish if wish.replicas == before else _held(look, before, need))
    since, enough = _waiting(look, need, before)
    if wish.replicas == before:
        return Steady(wish, enough, since)
    if look.now - since < window(look):
        return Steady(_held(look, before, enough), enough, since)
    lowered = {"floor": enough, "lower_to": None, "lower_since": None}
    status = look.status.model_copy(update=lowered)
    return steady(replace(look, status=status), wish, later, most)


def _waiting(look: Look, need: int, before: int) -> tuple[datetime, int]:
    """Since when less is enough, and how much of it was at most needed since."""
    since, enough = look.status.lower_since, look.status.lower_to
    if since is None or enough is None or enough >= before:
        return look.now, need
    since = min(since, look.now)
    if look.now - since > window(look) + timedelta(seconds=LOST_S):
        return look.now, need
    return since, max(enough, need)


def _held(look: Look, replicas: int, enough: int) -> Term:
    length = lasting(window(look).total_seconds())
    message = f"{enough} would be enough: goes down when that has lasted {length}"
    return Term(reason=look.status.reason, replicas=replicas, message=message)
