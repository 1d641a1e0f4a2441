"""From simulated rollouts to figures."""

from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from typing import Any

import numpy as np

from pilotlight_canary.simulation.course import Ends
from pilotlight_canary.statistics.floats import Floats

Row = dict[str, Any]
HORIZON = 10_000
"""Requests of the canary within which a bad version shall be found."""


@dataclass(frozen=True)
class Figures:
    """What became of a study's rollouts.

    Args:
        rolled_back: Share that was taken back.
        rolled_back_upper95: Upper end of its exact one-sided 95 % confidence interval.
        promoted: Share that was promoted.
        promoted_upper95: Upper end likewise.
        within_horizon: Share taken back within ``HORIZON`` requests of the canary.
        detect_median: Requests of the canary until it is taken back; those never: infinitely many.
        detect_p95: 95 % of rollouts need at most so many.
        promote_median: Requests of the canary until it is promoted.
        promote_p95: 95 % of rollouts need at most so many.
        detect_looks_median: Looks until it is taken back.
        promote_looks_median: Looks until it is promoted.
    """

    rolled_back: float
    rolled_back_upper95: float
    promoted: float
    promoted_upper95: float
    within_horizon: float
    detect_median: float | None
    detect_p95: float | None
    promote_median: float | None
    promote_p95: float | None
    detect_looks_median: float | None
    promote_looks_median: float | None


def figures(ends: Ends, *, to_the_end: bool) -> Figures:
    """The figures of a study; with ``to_the_end`` an alarm counts even after a promotion."""
    runs = len(ends.worse)
    back = np.isfinite(ends.worse) if to_the_end else ends.rolled_back > 0
    on = ends.promoted > 0
    worse, good = np.where(back, ends.worse, np.inf), np.where(on, ends.good, np.inf)
    return Figures(
        rolled_back=float(back.mean()),
        rolled_back_upper95=upper_bound(int(back.sum()), runs),
        promoted=float(on.mean()),
        promoted_upper95=upper_bound(int(on.sum()), runs),
        within_horizon=float((worse <= HORIZON).mean()),
        detect_median=_quantile(worse, 0.5),
        detect_p95=_quantile(worse, 0.95),
        promote_median=_quantile(good, 0.5),
        promote_p95=_quantile(good, 0.95),
        detect_looks_median=_quantile(np.where(back, ends.worse_look, np.inf), 0.5),
        promote_looks_median=_quantile(np.where(on, ends.good_look, np.inf), 0.5),
    )


def upper_bound(hits: int, runs: int, confidence: float = 0.95) -> float:
    """Clopper and Pearson's exact one-sided upper bound of a share."""
    if hits >= runs:
        return 1.0
    low, high = hits / runs, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(hits, runs, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(hits: int, runs: int, share: float) -> float:
    """Chance of at most so many hits."""
    if share >= 1.0:
        return 0.0
    return sum(
        exp(
            lgamma(runs + 1) - lgamma(k + 1) - lgamma(runs - k + 1)
            + k * log(share) + (runs - k) * log1p(-share)
        )
        for k in range(hits + 1)
    )  # fmt: skip


def _quantile(values: Floats, probability: float) -> float | None:
    found = float(np.quantile(values, probability, method="higher"))
    return found if np.isfinite(found) else None
