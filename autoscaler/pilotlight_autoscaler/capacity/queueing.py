"""How often a request finds no free slot.

Slots are pooled: a request waits only while all slots of all replicas are taken. Arrivals are
Poisson (many independent users), a slot is held for an exponential time. The probability of
waiting hardly depends on the shape of that time; tests/unit/autoscaler/capacity compares it with
a simulation, event by event, of other shapes.
"""

from functools import lru_cache
from math import inf, lgamma, log, sqrt
from statistics import NormalDist

import numpy as np

from pilotlight_autoscaler.demand import Floats


def waiting(slots: int, in_flight: float) -> float:
    """Probability that a request of an open system must wait: Erlang's C formula.

    Args:
        slots: Servers, s.
        in_flight: Offered load, a: arrivals a second times the seconds that each takes.

    Source: Erlang, 1917. C = s B / (s - a (1 - B)), with B by the recursion
    B(k) = a B(k-1) / (k + a B(k-1)), B(0) = 1.
    """
    if in_flight <= 0:
        return 0.0
    if slots <= in_flight:
        return 1.0
    blocking = 1.0
    for k in range(1, slots + 1):
        blocking = in_flight * blocking / (k + in_flight * blocking)
    return slots * blocking / (slots - in_flight * (1 - blocking))


def waiting_of_users(slots: int, users: int, residence_s: float, think_s: float) -> float:
    """Probability that a request of one of ``users`` people must wait: M/M/s with finite source.

    A user who sends a request finds the others as if they were alone (arrival theorem,
    Sevcik and Mitrani, 1981): the state of a system with one user less. With k in flight of
    n = users - 1, in units of r = residence / think, its weight is
    n! / ((n-k)! k!) r^k up to s, and n! / ((n-k)! s! s^(k-s)) r^k above.
    """
    others = users - 1
    if slots > others or residence_s <= 0:
        return 0.0
    if think_s <= 0:
        return 1.0
    k = np.arange(others + 1, dtype=np.float64)
    log_factorial = _log_factorials(others)
    above = k >= slots
    served = np.where(above, lgamma(slots + 1) + (k - slots) * log(slots), log_factorial)
    weight = k * (log(residence_s) - log(think_s)) - log_factorial[::-1] - served
    share = np.exp(weight - weight.max())
    return float(np.sum(share[above]) / np.sum(share))


@lru_cache(maxsize=2)
def _log_factorials(most: int) -> Floats:
    """log k! for k from 0 to ``most``."""
    logs = np.log(np.arange(1, most + 1, dtype=np.float64))
    return np.concatenate(([0.0], np.cumsum(logs)))


def waiting_p99_s(slots: int, in_flight: float, residence_s: float) -> float:
    """99th percentile of the wait of all requests of an open system, in seconds.

    P(W > t) = C exp(-(s - a) t / R).
    """
    share = waiting(slots, in_flight)
    if share <= 0.01:
        return 0.0
    if slots <= in_flight:
        return inf
    return residence_s * log(share / 0.01) / (slots - in_flight)


def square_root_slots(in_flight: float, share: float) -> float:
    """Slots at which about ``share`` of the requests wait: a + beta sqrt(a).

    beta solves share = 1 / (1 + beta Phi(beta) / phi(beta)).
    Source: Halfin and Whitt, "Heavy-traffic limits for queues with many exponential servers",
    Operations Research 29 (1981).
    """
    return in_flight + square_root_factor(share) * sqrt(in_flight)


def square_root_factor(share: float) -> float:
    """Halfin and Whitt's beta."""
    normal = NormalDist()
    low, high = 0.0, 10.0
    for _ in range(60):
        beta = (low + high) / 2
        if 1 / (1 + beta * normal.cdf(beta) / normal.pdf(beta)) > share:
            low = beta
        else:
            high = beta
    return (low + high) / 2
