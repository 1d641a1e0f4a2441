"""The forecast's terms of the floor, each with its reason in words and numbers."""

import math
from datetime import UTC, datetime

import numpy as np

from pilotlight.api.warmpool import Reason, Term
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.forecast.ages import DAY_S, FIRST_S, edges_s
from pilotlight_autoscaler.forecast.blend import Blend, shipped
from pilotlight_autoscaler.forecast.bursts import expected_bursts
from pilotlight_autoscaler.forecast.guard import allowed
from pilotlight_autoscaler.forecast.levels import need
from pilotlight_autoscaler.forecast.model import Model, wakes_s
from pilotlight_autoscaler.forecast.plan import Plan, plan, warm_steps

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
    if recent.idle_since_s is not None and recent.concurrency <= 0:
        idle = _planned(model, recent, economics, now_s, blend or shipped())
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
    words = f"idle for {_span(age_s)}, kept for {_span(keep_s)} (break-even), because {doubt}"
    return Term(reason=Reason.IDLE_HISTOGRAM, replicas=int(warm), message=words)


def _planned(
    model: Model, recent: Recent, economics: Economics, now_s: float, blend: Blend
) -> Term:
    since_s = now_s if recent.idle_since_s is None else recent.idle_since_s
    lately = math.nan if recent.lately is None else recent.lately
    at = np.array([since_s])
    wake_s = wakes_s(economics, expected_bursts(model.history.gaps, at))
    rates = blend.rates(model.history, at, np.array([lately]))
    edges = edges_s(at)
    states = warm_steps(rates, edges, wake_s, economics.cold_start_s)
    chosen = plan(states[0], edges[0], economics.cold_start_s)
    guarded = allowed(chosen, model.account, float(wake_s[0]))
    age_s = max(now_s - since_s, 0.0)
    step = int(np.searchsorted(edges[0], max(age_s, FIRST_S), side="right")) - 1
    rate = float(rates[0, step]) if step < rates.shape[1] else 0.0
    return _explained(guarded, guarded != chosen, age_s, since_s, rate, float(wake_s[0]))


def _explained(
    plan: Plan, cut: bool, age_s: float, since_s: float, rate: float, wake_s: float
) -> Term:
    warm, until_s = plan.warm_at(age_s), plan.next_change_s(age_s)
    ahead = age_s >= plan.warm_s[0][1]
    change = "" if math.isinf(until_s) else f" until {_clock(since_s + until_s)}"
    words = (
        f"idle for {_span(age_s)}; {rate:.2g} requests/h would end it now; "
        f"a wake costs {_span(wake_s)} of a warm replica: "
        f"{'warm' if warm else 'asleep'}{change}"
    )
    if cut:
        words += " (bounded by the break-even keep-alive)"
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
