"""The plan for one idle time, worked out once and remembered while it lasts."""

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.forecast.ages import FIRST_S, edges_s
from pilotlight_autoscaler.forecast.blend import Blend
from pilotlight_autoscaler.forecast.bursts import expected_bursts
from pilotlight_autoscaler.forecast.guard import allowed
from pilotlight_autoscaler.forecast.model import Model, wakes_s
from pilotlight_autoscaler.forecast.plan import Plan, plan, warm_steps


@dataclass(frozen=True, eq=False)
class Foresight:
    """What is foreseen of an idle time.

    Args:
        wanted: When the forecast would be warm.
        plan: The part of it that the account can pay for.
        wake_s: Cost of a wake, in seconds of a warm replica.
        edges: Ages where steps begin and end, in seconds, shape (steps + 1,).
        rates: Hazard of the next request per hour, shape (steps,).
    """

    wanted: Plan
    plan: Plan
    wake_s: float
    edges: Floats
    rates: Floats

    def rate(self, age_s: float) -> float:
        """The hazard at an age, per hour; 0 beyond the last step."""
        step = int(np.searchsorted(self.edges, max(age_s, FIRST_S), side="right")) - 1
        return float(self.rates[step]) if step < len(self.rates) else 0.0


Asked = tuple[float, float | None, Economics, Blend]
REMEMBERED = 8
"""Questions asked of one model in turn: of each tier, for now and for a little later."""
_answers: "WeakKeyDictionary[Model, dict[Asked, Foresight]]" = WeakKeyDictionary()


def foresee(
    model: Model, since_s: float, lately: float | None, economics: Economics, blend: Blend
) -> Foresight:
    """Look ahead from the beginning of an idle time.

    Args:
        model: What was learnt.
        since_s: When it began, seconds since the epoch.
        lately: Requests in the minutes before; ``None``: not known.
        economics: The prices; a replica must cost something.
        blend: How experts are weighted.
    """
    # A controller asks every few seconds, and the answer changes with its arguments only.
    known = _answers.setdefault(model, {})
    asked = (since_s, lately, economics, blend)
    if asked not in known:
        while len(known) >= REMEMBERED:
            del known[next(iter(known))]
        known[asked] = _foreseen(model, *asked)
    return known[asked]


def _foreseen(
    model: Model, since_s: float, lately: float | None, economics: Economics, blend: Blend
) -> Foresight:
    at, start_s = np.array([since_s]), economics.cold_start_s
    wake_s = wakes_s(economics, expected_bursts(model.history.gaps, at))
    before = np.array([math.nan if lately is None else lately])
    rates, edges = blend.rates(model.history, at, before), edges_s(at)
    wanted = plan(warm_steps(rates, edges, wake_s, start_s)[0], edges[0], start_s)
    guarded = allowed(wanted, model.account, float(wake_s[0]))
    return Foresight(wanted, guarded, float(wake_s[0]), edges[0], rates[0])
