"""How much counts of bad vary, in units of what independent requests would."""

import numpy as np

from pilotlight_canary.statistics.floats import Floats


def dispersion(bad: Floats, total: Floats) -> Floats:
    """Variance of intervals' counts over the binomial's; at least 1.

    Each interval is compared with the next one only, so that a slow drift of the level is not
    taken for bursts.

    Args:
        bad: By interval, the last axis.
        total: As ``bad``.
    """
    x, n = np.asarray(bad, dtype=np.float64), np.asarray(total, dtype=np.float64)
    n_1, n_2 = n[..., :-1], n[..., 1:]
    x_1, x_2 = x[..., :-1], x[..., 1:]
    both = np.maximum(n_1 + n_2, 1.0)
    share = (x_1 + x_2) / both
    # Weighted by the harmonic mean, the differences add up to the variance of all counts.
    squared = (x_1 * n_2 - x_2 * n_1) ** 2 / both**2
    expected = share * (1 - share) * n_1 * n_2 / np.maximum(both - 1, 1.0)
    found, usual = squared.sum(axis=-1), expected.sum(axis=-1)
    ratio = np.divide(found, usual, out=np.ones_like(found), where=usual > 0)
    return np.asarray(np.maximum(1.0, ratio), dtype=np.float64)
