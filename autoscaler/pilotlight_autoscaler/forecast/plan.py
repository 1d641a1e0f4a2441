"""When a replica should be warm during an idle time: the cheapest plan, exactly.

Two states, warm and cold, along the ages of an idle time. With the hazard known, the expected
cost from any age on follows from the cost at the next one; the plan is read off backwards
(Bellman, Dynamic Programming, 1957). docs/warmpool.md has the equations.
"""

from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.forecast.ages import HOUR_S, STEPS_S, WIDTHS_S


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


def warm_steps(rates: Floats, wake_s: Floats, cold_start_s: float) -> Flags:
    """Where to be warm, shape (times, steps).

    Args:
        rates: Hazard of the next request, per hour, shape (times, steps).
        wake_s: Cost of a wake from cold, in seconds of a warm replica, shape (times,).
        cold_start_s: How long a start takes; it costs like warm time, and a request that comes
            within it waits for what is left of it: for half of it in the mean.
    """
    hours = rates * WIDTHS_S / HOUR_S
    ends = -np.expm1(-hours)
    spent = np.where(hours > 1e-9, ends / np.maximum(hours, 1e-9), 1.0) * WIDTHS_S
    late = -np.expm1(-rates * np.minimum(cold_start_s, WIDTHS_S) / HOUR_S)
    keep, boot = np.empty(rates.shape, dtype=np.bool_), np.empty(rates.shape, dtype=np.bool_)
    warm = cold = wake_s
    for step in range(rates.shape[1] - 1, -1, -1):
        stay = spent[:, step] + (1.0 - ends[:, step]) * warm
        wait = ends[:, step] * wake_s + (1.0 - ends[:, step]) * cold
        start = stay + 0.5 * late[:, step] * wake_s
        boot[:, step] = start < wait
        cold = np.minimum(start, wait)
        keep[:, step] = stay <= cold
        warm = np.minimum(stay, cold)
    return _followed(keep, boot)


def _followed(keep: Flags, boot: Flags) -> Flags:
    """The states passed through when one begins warm and no request comes."""
    states = np.empty(keep.shape, dtype=np.bool_)
    state = np.ones(len(keep), dtype=np.bool_)
    for step in range(keep.shape[1]):
        state = np.where(state, keep[:, step], boot[:, step])
        states[:, step] = state
    return states


def plan(states: Flags, start_s: float) -> Plan:
    """A plan from the states of its steps, shape (steps,), and how long a start takes."""
    padded = np.concatenate([[True], states, [False]])
    turns = np.flatnonzero(padded[1:] != padded[:-1])
    edges = [0.0, *(float(STEPS_S[turn]) for turn in turns)]
    return Plan(tuple(zip(edges[0::2], edges[1::2], strict=True)), start_s)


def keep_alive(age_s: float) -> Plan:
    """Warm until an age, then cold."""
    return Plan(((0.0, age_s),))
