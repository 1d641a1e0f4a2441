"""From "at most x % of requests meet a cold start" to the price that brings it about.

A price for a wait decides how long replicas are kept; the share of requests that wait falls as it
rises. So it is raised while too many wait, and lowered while far fewer do: once an hour, in steps,
between bounds, so that it changes the floor seldom and never by much.
"""

from datetime import timedelta

from pilotlight.api.warmpool import ShadowPrice
from pilotlight_autoscaler.policy.accounting import new_requests
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.prices import UNPRICED

EVERY = timedelta(hours=1)
HALF_LIFE_S = 86400.0
UP, DOWN = 1.5, 1 / 1.2
LEAST, MOST = 1 / 60, 168.0
"""In hours of a warm replica: a minute to a week."""


def shadow_price(look: Look) -> ShadowPrice | None:
    """The price as it is from now on; ``None`` without a target."""
    if look.spec.target is None:
        return None
    before, now = look.status.shadow_price, look.now
    requests, cold, _ = new_requests(look)
    if before is None:
        return ShadowPrice(replica_hours=UNPRICED.cold_start, at=now, counted_at=now)
    faded = 0.5 ** (max(0.0, (now - before.counted_at).total_seconds()) / HALF_LIFE_S)
    counted = before.model_copy(
        update={
            "requests": before.requests * faded + requests,
            "cold": before.cold * faded + cold,
            "counted_at": now,
            # A clock put back must not stop it for as long.
            "at": min(before.at, now),
        }
    )
    if now - counted.at < EVERY:
        return counted
    price = counted.replica_hours * _step(counted, look.spec.target.max_cold_percent / 100)
    return counted.model_copy(update={"replica_hours": min(max(price, LEAST), MOST), "at": now})


def _step(counted: ShadowPrice, most: float) -> float:
    allowed = counted.requests * most
    # The first wait of all says little about a share, but it is the side on which people wait.
    if counted.cold > allowed:
        return UP
    # That fewer wait than allowed shows only where enough of them could have.
    if allowed >= 1 and counted.cold < allowed / 2:
        return DOWN
    return 1.0
