"""The canary against stable in one interval: whose errors are these?

The null is a half-plane of pairs of shares, p_canary <= rho * p_stable (or >=). Against it one bets
on a pair (q_canary, q_stable) outside. With (pi_canary, pi_stable) the null's pair that is nearest
to it in Kullback-Leibler divergence, for the numbers of requests of this very interval, the
likelihood ratio

    (q_c/pi_c)^x_c ((1-q_c)/(1-pi_c))^(n_c-x_c) (q_s/pi_s)^x_s ((1-q_s)/(1-pi_s))^(n_s-x_s)

has an expectation of at most 1 for every pair of the null (Turner, Ly and Gruenwald,
arXiv 2106.02693; docs/canary.md has a proof that needs no equal shares within the interval). For
rare errors it is the likelihood ratio of their attribution: of x_c + x_s errors, each is the
canary's with a chance that only the share n_c / (n_c + n_s) and the ratio decide.
"""

from dataclasses import dataclass

import numpy as np

from pilotlight_canary.statistics.floats import Floats


@dataclass(frozen=True)
class Tables:
    """Bad among all of both versions, in any shape; no share of bad is above 1."""

    canary_bad: Floats
    canary_total: Floats
    stable_bad: Floats
    stable_total: Floats

    def summed(self) -> "Tables":
        """All of the last axis in one."""
        return Tables(
            self.canary_bad.sum(axis=-1, keepdims=True),
            self.canary_total.sum(axis=-1, keepdims=True),
            self.stable_bad.sum(axis=-1, keepdims=True),
            self.stable_total.sum(axis=-1, keepdims=True),
        )


def log_e(tables: Tables, rho: Floats, canary: Floats, stable: Floats) -> Floats:
    """Logarithm of the e-value of each table, for each bet.

    Args:
        tables: Of one interval; shape (...).
        rho: The null's boundary; shape (...).
        canary: The share of bad that is bet on; shape (..., bets), on the null's far side.
        stable: Stable's share that is bet on; shape (...).
    """
    n_c, n_s = tables.canary_total[..., None], tables.stable_total[..., None]
    x_c, x_s = tables.canary_bad[..., None], tables.stable_bad[..., None]
    q_s, r = stable[..., None], rho[..., None]
    pi_s = _nearest(n_c, n_s, r, canary, q_s)
    pi_c = r * pi_s
    return np.asarray(
        x_c * np.log(canary / pi_c)
        + (n_c - x_c) * np.log((1 - canary) / (1 - pi_c))
        + x_s * np.log(q_s / pi_s)
        + (n_s - x_s) * np.log((1 - q_s) / (1 - pi_s)),
        dtype=np.float64,
    )


def _nearest(n_c: Floats, n_s: Floats, rho: Floats, q_c: Floats, q_s: Floats) -> Floats:
    """Stable's share of the boundary's nearest pair: the smaller root of a quadratic.

    The derivative of n_c KL(q_c || rho s) + n_s KL(q_s || s) is zero where
    n_c (rho s - q_c) (1 - s) + n_s (s - q_s) (1 - rho s) is.
    """
    a = (n_c + n_s) * rho
    b = n_c * (rho + q_c) + n_s * (1 + rho * q_s)
    c = n_c * q_c + n_s * q_s
    root = np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))
    with np.errstate(invalid="ignore"):
        nearest = 2 * c / (b + root)
    # Nobody came: any pair will do.
    return np.where(n_c + n_s > 0, nearest, q_s)
