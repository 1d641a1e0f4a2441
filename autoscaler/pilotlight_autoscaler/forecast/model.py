"""What was learnt of one service: small, and readable as JSON."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotlight_autoscaler.demand import Demand, Floats
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.forecast.ages import DAY_S, edges_s
from pilotlight_autoscaler.forecast.blend import Blend, shipped
from pilotlight_autoscaler.forecast.bursts import expected_bursts
from pilotlight_autoscaler.forecast.guard import Account, allowed, opened
from pilotlight_autoscaler.forecast.history import Calendar, Gaps, History, Pauses, history
from pilotlight_autoscaler.forecast.levels import Levels, levels
from pilotlight_autoscaler.forecast.plan import plan, warm_steps

MOST_GAPS = 1000
MOST_PAUSES = 1000
MOST_DAYS = 16
MOST_REPLAYED = 500
"""The account is replayed over so many idle times."""


@dataclass(frozen=True, eq=False)
class Model:
    """What was learnt of one service.

    Args:
        until_s: When the history ended, seconds since the epoch.
        known_days: How much of it was recorded.
        history: Idle times and calendar.
        levels: Replicas needed by time.
        per_replica: Requests in flight that one replica takes.
        account: Where the forecast stands against the break-even keep-alive.
    """

    until_s: float
    known_days: float
    history: History
    levels: Levels
    per_replica: float
    account: Account


def learn(
    demand: Demand,
    economics: Economics,
    per_replica: float = 1.0,
    blend: Blend | None = None,
) -> Model:
    """Learn from a history; what is older than :data:`MOST_DAYS` days is left out.

    The account is replayed: what the forecast would have decided at every idle time, from what
    was known then, against what the break-even keep-alive would have done.

    Args:
        demand: The service's history.
        economics: Prices that the account is kept in.
        per_replica: Requests in flight that one replica takes.
        blend: How experts are weighted; the one shipped, if none is given.
    """
    demand = _latest(demand)
    known = _bounded(history(demand, economics.cold_start_s))
    return Model(
        demand.end_s,
        float(demand.known.sum()) * demand.step_s / DAY_S,
        known,
        levels(demand, per_replica),
        per_replica,
        _account(known, economics, blend or shipped()),
    )


def wakes_s(economics: Economics, bursts: Floats) -> Floats:
    """Cost of a wake in seconds of a warm replica: people who wait, and the start itself.

    Args:
        economics: The prices.
        bursts: Requests that are expected to meet it.
    """
    if economics.keep_per_s <= 0:
        return np.full(len(bursts), np.inf)
    wait = economics.wake + economics.per_request * bursts
    seconds: Floats = wait / economics.keep_per_s + economics.cold_start_s
    return seconds


def _latest(demand: Demand) -> Demand:
    """The last days; bins that hold no possible figure are unknown."""
    drop = max(len(demand.arrivals) - int(MOST_DAYS * DAY_S / demand.step_s), 0)
    arrivals, concurrency = demand.arrivals[drop:], demand.concurrency[drop:]
    possible = np.isfinite(arrivals) & np.isfinite(concurrency)
    possible &= (arrivals >= 0) & (concurrency >= 0)
    return Demand(
        demand.start_s + drop * demand.step_s,
        demand.step_s,
        np.where(possible, arrivals, 0.0),
        np.where(possible, concurrency, 0.0),
        demand.known[drop:] & possible,
    )


def _bounded(known: History) -> History:
    """Its latest idle times: as many as fit a model of bounded size."""
    return replace(known, gaps=known.gaps.last(MOST_GAPS), pauses=known.pauses.last(MOST_PAUSES))


def _account(known: History, economics: Economics, blend: Blend) -> Account:
    gaps = known.gaps.last(MOST_REPLAYED)
    if not len(gaps.length_s) or economics.keep_per_s <= 0:
        return opened(float(wakes_s(economics, np.ones(1))[0]))
    wakes = wakes_s(economics, expected_bursts(known.gaps, gaps.start_s))
    start_s, edges = economics.cold_start_s, edges_s(gaps.start_s)
    rates = blend.rates(known, gaps.start_s, gaps.before)
    states = warm_steps(rates, edges, wakes, start_s)
    account = opened(float(wakes[0]))
    rows = zip(states, edges, wakes, gaps.length_s, gaps.ended, strict=True)
    for states_, edges_, wake_s, idle_s, ended in rows:
        chosen = allowed(plan(states_, edges_, start_s), account, float(wake_s))
        account = account.after(chosen, float(wake_s), float(idle_s), bool(ended))
    return account


def to_json(model: Model) -> str:
    """As text of bounded length."""
    return json.dumps(
        {
            "untilS": model.until_s,
            "knownDays": model.known_days,
            "gaps": _lists(model.history.gaps),
            "calendar": _lists(model.history.calendar),
            "pauses": _lists(model.history.pauses),
            "levels": _lists(model.levels),
            "perReplica": model.per_replica,
            "account": asdict(model.account),
        }
    )


def from_json(text: str) -> Model:
    """What :func:`to_json` wrote.

    Raises:
        ValueError: It is something else.
    """
    try:
        read = json.loads(text)
        known = History(
            Gaps(**_arrays(read["gaps"])),
            Calendar(**_arrays(read["calendar"])),
            Pauses(**_arrays(read["pauses"])),
        )
        account = Account(**read["account"])
        model_levels = Levels(**_arrays(read["levels"]))
        return Model(
            read["untilS"], read["knownDays"], known, model_levels, read["perReplica"], account
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no model of a service: {error!r}") from error


def _lists(record: Gaps | Calendar | Pauses | Levels) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: _list(v) if isinstance(v, np.ndarray) else v for name, v in values.items()}


def _list(values: NDArray[Any]) -> list[Any]:
    plain = values if values.dtype == np.bool_ else np.round(values, 3)
    listed: list[Any] = plain.tolist()
    return listed


def _arrays(read: dict[str, Any]) -> dict[str, Any]:
    return {
        name: np.array(v, dtype=np.bool_ if name == "ended" else np.float64)
        if isinstance(v, list)
        else v
        for name, v in read.items()
    }
