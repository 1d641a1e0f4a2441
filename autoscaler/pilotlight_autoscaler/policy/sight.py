"""Whether the demand is seen, and what holds while it is not."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pilotlight_autoscaler.policy.look import Look

CONFIRM_S = 10.0
"""A clock that jumps makes every sample old for one look: a second one has to agree."""


class Sight(StrEnum):
    """What can be said of the demand."""

    FRESH = "Fresh"
    STALE = "Stale"
    """Not now, but a moment ago: what was asked for then still holds."""
    BLIND = "Blind"
    """Not for longer than `failSafe.ttlSeconds`."""


@dataclass(frozen=True)
class Seeing:
    """How well, and since when not."""

    sight: Sight
    blind_since: datetime | None
    message: str


def seeing(look: Look) -> Seeing:
    """How the demand is seen at this look; without a forecast nobody needs to see it."""
    if not look.spec.forecast:
        return Seeing(Sight.FRESH, None, "no forecast is asked for")
    recent, age_s, ttl_s = look.seen.recent, look.seen.recent_age_s, look.spec.fail_safe.ttl_seconds
    if recent is not None and age_s <= ttl_s / 3:
        return Seeing(Sight.FRESH, None, "the demand is known")
    since = min(look.status.blind_since or look.now, look.now)
    blind_s = look.since(since).total_seconds()
    old = recent is not None and age_s >= ttl_s and blind_s >= CONFIRM_S
    sight = Sight.BLIND if old or blind_s >= ttl_s else Sight.STALE
    what = "there are no metrics" if recent is None else f"the metrics are {age_s:.0f} s old"
    return Seeing(sight, since, f"{what} (failSafe.ttlSeconds is {ttl_s})")
