"""The canary against a fixed share of bad: the likelihood ratio of the sums, which is an e-value.

Its state is the sums themselves, since the null and the bets stay the same over the rollout.
"""

import numpy as np

from pilotlight_canary.statistics.bets import INTOLERABLE, TOLERABLE
from pilotlight_canary.statistics.floats import Floats, log_mean


def log_intolerable(bad: Floats, total: Floats, tolerance: Floats, dispersion: Floats) -> Floats:
    """Logarithm of the e-value against "bad is at most the tolerance".

    All arguments have the shape of the result. Without a tolerance there is nothing to refute:
    ``inf``.
    """
    some = _inside(tolerance)
    odds = INTOLERABLE.alternatives * (some / (1 - some))[..., None]
    logs = _log_ratio(bad, total, some, odds / (1 + odds), dispersion)
    return np.where(tolerance > 0, log_mean(logs, INTOLERABLE.weights), np.inf)


def log_tolerable(bad: Floats, total: Floats, tolerance: Floats, dispersion: Floats) -> Floats:
    """Logarithm of the e-value against "bad is at least the tolerance"; ``-inf`` without one."""
    some = _inside(tolerance)
    logs = _log_ratio(bad, total, some, TOLERABLE.alternatives * some[..., None], dispersion)
    return np.where(tolerance > 0, log_mean(logs, TOLERABLE.weights), -np.inf)


def _inside(tolerance: Floats) -> Floats:
    return np.clip(tolerance, 1e-9, 1 - 1e-9)


def _log_ratio(bad: Floats, total: Floats, null: Floats, bet: Floats, tempering: Floats) -> Floats:
    bad, good = bad[..., None], (total - bad)[..., None]
    null, tempering = null[..., None], tempering[..., None]
    return np.asarray(
        (bad * np.log(bet / null) + good * np.log((1 - bet) / (1 - null))) / tempering,
        dtype=np.float64,
    )
