"""The running evidence of one check in all its strata, and how one interval moves it.

Everything is an array whose last axis is the stratum, with any axes before it: the controller
has none, the simulation has one of thousands of rollouts. Both run this code.
"""

from dataclasses import dataclass, replace

import numpy as np

from pilotlight_canary.statistics.bets import GOOD, POOLED_SHARE, RATIO_SHARE, WORSE
from pilotlight_canary.statistics.floats import Floats, log_mean
from pilotlight_canary.statistics.ratio import Tables, log_e
from pilotlight_canary.statistics.tolerance import log_intolerable, log_tolerable

# The guess at stable's share before anything is known, and how many requests it is worth: what is
# bet on must be fixed before the interval that decides the bet. It steers power, not validity.
_PRIOR_BAD, _PRIOR_TOTAL = 1.0, 100.0
_BETTER = 0.6


@dataclass(frozen=True)
class State:
    """Sums over the rollout, and the logarithm of each bet's gain.

    Args:
        sums: Of all intervals so far; shape (..., strata).
        worse: Shape (..., strata, bets of ``WORSE``).
        good: Shape (..., strata, bets of ``GOOD``).
    """

    sums: Tables
    worse: Floats
    good: Floats


@dataclass(frozen=True)
class Rule:
    """What is allowed, and how much a request's outcome says; broadcasts to (..., strata).

    Args:
        rho: So many times stable's share.
        tolerance: A share that is allowed anyhow.
        dispersion: Variance of counts of bad, in units of independent requests' variance.
    """

    rho: Floats
    tolerance: Floats
    dispersion: Floats


@dataclass(frozen=True)
class Logs:
    """Logarithms of e-values, of each stratum (..., strata) and of the whole check (...)."""

    worse: Floats
    good: Floats
    whole_worse: Floats
    whole_good: Floats


def nothing(shape: tuple[int, ...]) -> State:
    """The state before the first request, of the shape (..., strata)."""
    zero = np.zeros(shape)
    return State(
        sums=Tables(zero, zero, zero, zero),
        worse=np.zeros((*shape, len(WORSE.weights))),
        good=np.zeros((*shape, len(GOOD.weights))),
    )


def advanced(state: State, tables: Tables, rule: Rule) -> State:
    """The state after an interval; the work does not depend on how long the rollout lasts."""
    tables = _plausible(tables)
    sums = state.sums
    rho = np.broadcast_to(rule.rho, sums.stable_total.shape)
    stable = np.clip(
        (sums.stable_bad + _PRIOR_BAD) / (sums.stable_total + _PRIOR_TOTAL), 1e-6, 0.9 / rho
    )
    tempering = np.asarray(rule.dispersion)[..., None]
    return replace(
        state,
        sums=Tables(
            canary_bad=sums.canary_bad + tables.canary_bad,
            canary_total=sums.canary_total + tables.canary_total,
            stable_bad=sums.stable_bad + tables.stable_bad,
            stable_total=sums.stable_total + tables.stable_total,
        ),
        worse=state.worse + log_e(tables, rho, _worse(stable, rho), stable) / tempering,
        good=state.good + log_e(tables, rho, _good(stable, rho), stable) / tempering,
    )


def evidence_of(state: State, rule: Rule, own: Floats) -> Logs:
    """The e-values of a state.

    Args:
        state: Of one check.
        rule: As it was advanced by.
        own: Stake on each stratum by itself, shape (strata,); at most 1 together, and what is
            missing is on strata that nobody has seen yet.
    """
    sums = state.sums
    shape = sums.canary_total.shape
    tolerance = np.broadcast_to(rule.tolerance, shape)
    dispersion = np.broadcast_to(rule.dispersion, shape)
    bad, total = sums.canary_bad, sums.canary_total
    # Worse is worse than both; so each bet gains only what both tests do.
    worse = np.minimum(state.worse, log_intolerable(bad, total, tolerance, dispersion)[..., None])
    each = log_mean(worse, WORSE.weights)
    pooled = log_mean(worse.sum(axis=-2), WORSE.weights)
    return Logs(
        worse=each,
        good=_either(
            log_mean(state.good, GOOD.weights), log_tolerable(bad, total, tolerance, dispersion)
        ),
        whole_worse=merged(pooled, each, own),
        whole_good=_either(
            log_mean(state.good.sum(axis=-2), GOOD.weights),
            log_tolerable(
                bad.sum(axis=-1), total.sum(axis=-1), tolerance[..., 0], dispersion[..., 0]
            ),
        ),
    )


def merged(pooled: Floats, each: Floats, own: Floats) -> Floats:
    """Logarithm of the mean of the strata's product and of each stratum by itself."""
    unseen = np.zeros((*each.shape[:-1], 1))
    logs = np.concatenate([pooled[..., None], each, unseen], axis=-1)
    rest = max(0.0, 1 - float(own.sum()))
    weights = np.concatenate(
        [[POOLED_SHARE], (1 - POOLED_SHARE) * own, [(1 - POOLED_SHARE) * rest]]
    )
    return log_mean(logs, weights)


def _either(ratio: Floats, tolerable: Floats) -> Floats:
    logs = np.stack([ratio, tolerable], axis=-1)
    return log_mean(logs, np.array([RATIO_SHARE, 1 - RATIO_SHARE]))


def _worse(stable: Floats, rho: Floats) -> Floats:
    boundary = rho * stable
    odds = (boundary / (1 - boundary))[..., None] * WORSE.alternatives
    return np.asarray(odds / (1 + odds), dtype=np.float64)


def _good(stable: Floats, rho: Floats) -> Floats:
    ratios = np.where(GOOD.alternatives < 0, _BETTER, rho[..., None] ** GOOD.alternatives)
    return np.asarray(stable[..., None] * ratios, dtype=np.float64)


def _plausible(tables: Tables) -> Tables:
    """Outcomes may be counted an interval after their arrivals: no more bad than all."""
    return replace(
        tables,
        canary_bad=np.minimum(tables.canary_bad, tables.canary_total),
        stable_bad=np.minimum(tables.stable_bad, tables.stable_total),
    )
