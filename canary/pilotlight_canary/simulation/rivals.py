"""What others would decide on the same requests."""

from math import erf, sqrt

import numpy as np

from pilotlight_canary.statistics.floats import Floats


class FailedIntervals:
    """Flagger's rule, as its documentation's example has it.

    Once a minute the canary's share of good is compared with a fixed limit. So many failures,
    in a row or not, take it back; each success moves the weight on by a step, and after the
    largest weight it is promoted. An interval without requests fails nothing here.

    Args:
        runs: How many rollouts.
        limit: Share of bad above which an interval fails.
    """

    WEIGHTS = (10, 20, 30, 40, 50)
    THRESHOLD = 5

    def __init__(self, runs: int, limit: float) -> None:
        self._limit = limit
        self._failures = np.zeros(runs)
        self._passes = np.zeros(runs)

    def weight(self) -> Floats:
        """Percentage of each rollout's next interval."""
        last = len(self.WEIGHTS) - 1
        step = np.minimum(self._passes, last).astype(int)
        return np.asarray(np.array(self.WEIGHTS)[step], dtype=np.float64)

    def look(self, bad: Floats, total: Floats) -> tuple[Floats, Floats]:
        """1 where it is taken back by now, and where it is promoted by now."""
        failed = bad > self._limit * total
        open_ = ~(self.worse | self.good)
        self._failures += open_ & failed
        self._passes += open_ & ~failed
        return self.worse.astype(np.float64), self.good.astype(np.float64)

    @property
    def worse(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Taken back."""
        return np.asarray(self._failures >= self.THRESHOLD)

    @property
    def good(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Promoted."""
        return np.asarray(~self.worse & (self._passes > len(self.WEIGHTS)))


def peeked(tables: tuple[Floats, Floats, Floats, Floats], rho: float, alpha: float) -> Floats:
    """1 where a one-sided two-sample z-test of the pooled counts finds p_c > rho * p_s.

    Made for one look at a time fixed beforehand, and looked at whenever one likes.

    Args:
        tables: Canary's bad and all, stable's bad and all, summed over the rollout.
        rho: The boundary.
        alpha: Level.
    """
    x_c, n_c, x_s, n_s = tables
    some_c, some_s = np.maximum(n_c, 1), np.maximum(n_s, 1)
    p_c, p_s = x_c / some_c, x_s / some_s
    variance = p_c * (1 - p_c) / some_c + rho**2 * p_s * (1 - p_s) / some_s
    z = np.where(variance > 0, (p_c - rho * p_s) / np.sqrt(np.maximum(variance, 1e-30)), 0.0)
    # The usual rule of thumb for the normal approximation: enough of each kind.
    usable = (x_c >= 5) & (x_s >= 5)
    return np.asarray(usable & (z >= _quantile(1 - alpha)), dtype=np.float64)


def _quantile(probability: float) -> float:
    """Of the standard normal distribution, by bisection."""
    low, high = -10.0, 10.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if (1 + erf(middle / sqrt(2))) / 2 < probability else (low, middle)
        )
    return low
