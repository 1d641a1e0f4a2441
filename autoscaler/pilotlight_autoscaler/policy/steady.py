"""Up at once, down only when less has been enough for a while."""

from dataclasses import dataclass
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


def steady(look: Look, wish: Term, most: int) -> Steady:
    """The floor that follows from the one before and a wish that is within its bounds.

    Args:
        look: With the floor before.
        wish: What is wanted now.
        most: The lowest bound, which holds at once.
    """
    before = min(look.status.floor, most)
    if wish.replicas >= before or not window(look):
        return Steady(wish)
    since, enough = _waiting(look, wish, before)
    if look.now - since < window(look):
        return Steady(_held(look, before, enough), enough, since)
    if enough == wish.replicas:
        return Steady(wish)
    return Steady(_held(look, enough, wish.replicas), wish.replicas, look.now)


def _waiting(look: Look, wish: Term, before: int) -> tuple[datetime, int]:
    """Since when less is enough, and how much of it was at most needed since."""
    since, enough = look.status.lower_since, look.status.lower_to
    if since is None or enough is None or enough >= before:
        return look.now, wish.replicas
    since = min(since, look.now)
    if look.now - since > window(look) + timedelta(seconds=LOST_S):
        return look.now, wish.replicas
    return since, max(enough, wish.replicas)


def _held(look: Look, replicas: int, enough: int) -> Term:
    length = lasting(window(look).total_seconds())
    message = f"{enough} would be enough: goes down when that has lasted {length}"
    return Term(reason=look.status.reason, replicas=replicas, message=message)
