"""Histories with a rule that a forecast should find."""

from collections.abc import Sequence

import numpy as np

from pilotlight_autoscaler.demand import Demand, Floats
from pilotlight_autoscaler.economics import Economics

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
MONDAY_S = 1_699_833_600.0
"""A Monday, midnight UTC."""

FAIR = Economics(keep_per_s=1.0, wake=900.0, cold_start_s=60.0)


def history_of(minutes: Sequence[int], days: float, each: float = 1.0) -> Demand:
    """Requests in the minutes given, counted from a Monday's midnight; nothing else."""
    arrivals = np.zeros(round(days * 1440))
    arrivals[list(minutes)] = each
    return demand_of(arrivals)


def demand_of(arrivals: Floats) -> Demand:
    """A history without holes, in minutes from a Monday's midnight."""
    concurrency = np.minimum(arrivals, 1.0) * 0.2
    return Demand(MONDAY_S, MINUTE_S, arrivals, concurrency, np.ones(len(arrivals), dtype=np.bool_))


def office_days(days: int, opens: int = 9 * 60, closes: int = 17 * 60) -> Demand:
    """Every day a request every two minutes between two times, in minutes since midnight."""
    minutes = [day * 1440 + minute for day in range(days) for minute in range(opens, closes, 2)]
    return history_of(minutes, days)
