"""When a replica should be warm during an idle time: the cheapest plan, exactly.

Two states, warm and cold, along the ages of an idle time. With the hazard known, the expected
cost from any age on follows from the cost at the next one; the plan is read off backwards
(Bellman, Dynamic Programming, 1957). docs/forecast.md has the equations.
"""

from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.forecast.ages import HOUR_S

NAP_S = 180.0
"""A sleep shorter than this is not taken: pods need time to end, and a start may fail."""


@dataclass(frozen=True)
class Plan:
    """When to be warm in an idle time that began at age 0, as long as no request comes.

    Args:
        warm_s: From which age to which, in seconds, in order; the first begins at 0, all others
            with a start.
        start_s: How long a start takes.
    """

    warm_s: tuple[tuple[float, float], ...]
    start_s: float = 0.0

    def warm_at(self, age_s: float) -> bool:
        """Whether a replica should be there, or on its way, at this age."""
        return any(begin <= age_s < end for begin, end in self.warm_s)

    def ready_at(self, age_s: float) -> bool:
        """Whether a request at this age finds a replica that has started."""
        return any(
            begin + (self.start_s if begin > 0 else 0.0) <= age_s <= end
            for begin, end in self.warm_s
        )

    def next_change_s(self, age_s: float) -> float:
        """The next age at which the answer is another; infinite after the last."""
        edges = (edge for span in self.warm_s for edge in span)
        return min((edge for edge in edges if edge > age_s), default=float("inf"))


def warm_steps(rates: Floats, edges: Floats, wake_s: Floats, cold_start_s: float) -> Flags:
    """Where to be warm, shape (times, steps).

    Args:
        rates: Hazard of the next request, per hour, shape (times, steps).
        edges: Ages where the steps begin and end, in seconds, shape (times, steps + 1).
        wake_s: Cost of a wake from cold, in seconds of a warm replica, shape (times,).
        cold_start_s: How long a start takes; it costs like warm time, and is over when the step
            that it is for begins.
    """
    # Step by step, so each step's values lie side by side in memory.
    widths = np.ascontiguousarray(np.diff(edges).T)
    hours = np.ascontiguousarray(rates.T) * widths / HOUR_S
    ends = -np.expm1(-hours)
    spent = np.where(hours > 1e-9, ends / np.maximum(hours, 1e-9), 1.0) * widths
    keep, boot = np.empty(hours.shape, dtype=np.bool_), np.empty(hours.shape, dtype=np.bool_)
    warm = cold = wake_s
    for step in range(len(hours) - 1, -1, -1):
        stay = spent[step] + (1.0 - ends[step]) * warm
        wait = ends[step] * wake_s + (1.0 - ends[step]) * cold
        boot[step] = cold_start_s + stay < wait
        cold = np.minimum(cold_start_s + stay, wait)
        keep[step] = stay <= cold
        warm = np.minimum(stay, cold)
    return _followed(keep, boot)


def _followed(keep: Flags, boot: Flags) -> Flags:
    """The states passed through when one begins warm and no request comes, (times, steps)."""
    states = np.empty(keep.shape, dtype=np.bool_)
    state = np.ones(keep.shape[1], dtype=np.bool_)
    for step, (kept, booted) in enumerate(zip(keep, boot, strict=True)):
        state = np.where(state, kept, booted)
        states[step] = state
    return np.ascontiguousarray(states.T)


def plan(states: Flags, edges: Floats, start_s: float) -> Plan:
    """A plan from the states of its steps, shape (steps,).

    Args:
        states: Where to be warm.
        edges: Ages where the steps begin and end, shape (steps + 1,).
        start_s: How long a start takes: so much earlier it begins.
    """
    padded = np.concatenate([[True], states, [False]])
    turns: list[float] = edges[np.flatnonzero(padded[1:] != padded[:-1])].tolist()
    spans: list[tuple[float, float]] = [(0.0, turns[0])]
    for begin, end in zip(turns[1::2], turns[2::2], strict=True):
        if begin - start_s > spans[-1][1] + NAP_S:
            spans.append((begin - start_s, end))
        else:
            spans[-1] = (spans[-1][0], end)
    return Plan(tuple(spans), start_s)


def keep_alive(age_s: float) -> Plan:
    """Warm until an age, then cold."""
    return Plan(((0.0, age_s),))
