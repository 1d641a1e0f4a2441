"""The forecast's terms of the floor, each with its reason in words and numbers."""

import math
from datetime import UTC, datetime

import numpy as np

from pilotlight.api.warmpool import Reason, Term
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.forecast.ages import DAY_S
from pilotlight_autoscaler.forecast.blend import Blend, shipped
from pilotlight_autoscaler.forecast.foresight import Foresight, foresee
from pilotlight_autoscaler.forecast.levels import need
from pilotlight_autoscaler.forecast.model import Model, wakes_s

FEWEST_DAYS = 1.0
FEWEST_GAPS = 5
LATEST_S = DAY_S
"""A model that ended longer ago than this says nothing of now."""

MOST_REPLICAS = 10000


def terms(
    model: Model | None,
    recent: Recent,
    economics: Economics,
    now_s: float,
    blend: Blend | None = None,
) -> tuple[Term, ...]:
    """What the forecast and the idle histogram ask for now.

    Args:
        model: What was learnt; ``None``: nothing.
        recent: This moment.
        economics: The prices.
        now_s: The moment, seconds since the epoch.
        blend: How experts are weighted; the one shipped, if none is given.
    """
    doubt = _doubt(model, now_s)
    idle = _in_use(recent) or _keep_alive_term(recent, economics, now_s, doubt)
    if model is None or doubt:
        return (idle,)
    since_s = recent.idle_since_s
    if since_s is not None and recent.concurrency <= 0 and economics.keep_per_s > 0:
        seen = foresee(model, since_s, recent.lately, economics, blend or shipped())
        idle = _planned(seen, max(now_s - since_s, 0.0), since_s)
    return (idle, _levels_term(model, recent, economics, now_s))


def _doubt(model: Model | None, now_s: float) -> str:
    """Why the model is not to be used; empty: it is."""
    if model is None:
        return "there is no history"
    ended = int(model.history.gaps.ended.sum())
    late_s = now_s - model.until_s
    checks = (
        (not math.isfinite(late_s), "the history's clock is no number"),
        (model.known_days < FEWEST_DAYS, f"the history is {model.known_days:.1f} days short"),
        (ended < FEWEST_GAPS, f"it slept and woke {ended} times in the history"),
        (late_s > LATEST_S, f"the history ended {late_s / 3600:.0f} h ago"),
        (late_s < -LATEST_S, "the history ends in the future"),
    )
    return next((words for fails, words in checks if fails), "")


def _in_use(recent: Recent) -> Term | None:
    if recent.concurrency <= 0:
        return None
    words = f"in use: {recent.concurrency:.1f} requests in flight"
    return Term(reason=Reason.IDLE_HISTOGRAM, replicas=1, message=words)


def _keep_alive_term(recent: Recent, economics: Economics, now_s: float, doubt: str) -> Term:
    """The break-even keep-alive: warm until as much was spent as a wake costs."""
    keep_s = float(wakes_s(economics, np.ones(1))[0])
    if recent.idle_since_s is None:
        words = "no request was seen yet"
        return Term(reason=Reason.IDLE_HISTOGRAM, replicas=0, message=words)
    age_s = max(now_s - recent.idle_since_s, 0.0)
    warm = age_s < keep_s
    because = f", because {doubt}" if doubt else ""
    words = f"idle for {_span(age_s)}, kept for {_span(keep_s)} (break-even){because}"
    return Term(reason=Reason.IDLE_HISTOGRAM, replicas=int(warm), message=words)


def _planned(seen: Foresight, age_s: float, since_s: float) -> Term:
    warm, until_s = seen.plan.warm_at(age_s), seen.plan.next_change_s(age_s)
    change = "" if math.isinf(until_s) else f" until {_clock(since_s + until_s)}"
    words = (
        f"idle for {_span(age_s)}; {seen.rate(age_s):.2g} requests/h would end it now; "
        f"a wake costs {_span(seen.wake_s)} of a warm replica: "
        f"{'warm' if warm else 'asleep'}{change}"
    )
    if warm is not seen.wanted.warm_at(age_s):
        words += " (bounded by the break-even keep-alive)"
    ahead = age_s >= seen.plan.warm_s[0][1]
    reason = Reason.FORECAST if ahead else Reason.IDLE_HISTOGRAM
    return Term(reason=reason, replicas=int(warm), message=words)


def _levels_term(model: Model, recent: Recent, economics: Economics, now_s: float) -> Term:
    wake_s = float(wakes_s(economics, np.ones(1))[0])
    here = recent.concurrency / model.per_replica
    found = need(model.levels, now_s, economics.cold_start_s, math.ceil(here - 1e-6), wake_s)
    replicas = found.replicas if found.replicas > 1 else 0
    words = (
        f"{found.quantile:.0%} of {found.days} days needed at most {found.replicas} replicas "
        f"at this time of day"
    )
    return Term(reason=Reason.FORECAST, replicas=min(replicas, MOST_REPLICAS), message=words)


def _span(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "ever"
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M UTC")
