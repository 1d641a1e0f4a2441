"""The floors that the expected demand asks for."""

from math import inf

from pilotlight.api.warmpool import Reason, Term
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.observation import Forecast
from pilotlight_autoscaler.policy.words import lasting


def expected_terms(
    forecast: Forecast | None, recent: Recent, economics: Economics, now_s: float
) -> tuple[Term, ...]:
    """What was learnt says so; without anything learnt, a replica waits until the break-even."""
    if forecast is not None:
        return forecast.terms(recent, economics, now_s)
    return (keep_alive_term(recent, economics, now_s),)


def keep_alive_term(recent: Recent, economics: Economics, now_s: float) -> Term:
    """One replica, until waiting has cost as much as a wake.

    Whatever comes, that costs at most twice what it would with the future known: ski rental
    (Karlin, Manasse, Rudolph, Sleator: Competitive snoopy caching, Algorithmica 1988).
    """
    limit_s = break_even_s(economics)
    if recent.idle_since_s is None:
        busy = recent.concurrency > 0
        message = "requests are in flight" if busy else "no request has come yet"
        return Term(reason=Reason.KEEP_ALIVE, replicas=int(busy), message=message)
    idle_s = max(0.0, now_s - recent.idle_since_s)
    kept = idle_s < limit_s
    words = "is under" if kept else "is past"
    message = f"idle for {lasting(idle_s)}, which {words} the break-even of {lasting(limit_s)}"
    return Term(reason=Reason.KEEP_ALIVE, replicas=int(kept), message=message)


def break_even_s(economics: Economics) -> float:
    """For so long a replica may wait until it has cost as much as a wake that one request meets.

    The start itself is paid like warm time.
    """
    wake = economics.wake + economics.per_request
    if economics.keep_per_s <= 0:
        return inf
    return wake / economics.keep_per_s + economics.cold_start_s
