"""What is bet on: the handful of alternatives that a test is prepared for, and their weights.

An e-value is a bet against the null. A weighted mean of bets, with weights that are fixed before
the first request, is a bet too, and costs at most the logarithm of the best one's weight.
"""

from dataclasses import dataclass

import numpy as np

from pilotlight_canary.statistics.floats import Floats


@dataclass(frozen=True)
class Bets:
    """Alternatives and the share of the stake on each; shapes (bets,)."""

    alternatives: Floats
    weights: Floats


def _bets(**shares: tuple[float, ...]) -> Bets:
    return Bets(np.array(shares["alternatives"]), np.array(shares["weights"]))


WORSE = _bets(
    alternatives=(1.3, 1.7, 2.5, 5.0, 20.0),
    weights=(0.3, 0.3, 0.2, 0.1, 0.1),
)
"""Odds of bad at the canary, in units of the odds at the boundary."""

INTOLERABLE = _bets(
    alternatives=(1.5, 3.0, 8.0, 40.0),
    weights=(0.25, 0.25, 0.25, 0.25),
)
"""Odds of bad at the canary, in units of the tolerance's."""

GOOD = _bets(
    alternatives=(0.0, 0.5, -1.0),
    weights=(0.75, 0.2, 0.05),
)
"""The canary's share, in units of stable's: its logarithm, from 0 (the same) to 1 (the boundary).

Below 0 it is a better version's, which alone can be told from the boundary where rho is 1.
"""

TOLERABLE = _bets(
    alternatives=(0.1, 0.4),
    weights=(0.5, 0.5),
)
"""The canary's share of bad, in units of the tolerance."""

RATIO_SHARE = 0.85
"""Of the stake on a good canary: on the comparison with stable; the rest on the tolerance."""

POOLED_SHARE = 0.5
"""Of the stake on a worse canary: on all strata together; the rest on single ones."""
