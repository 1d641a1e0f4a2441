"""Whether the traffic is split as told: a binomial test in two directions.

Given an interval's requests in a stratum, each is the canary's with the weight's chance. A share
whose odds are off by less than a tenth is not worth holding a rollout for; the null allows it.
"""

import numpy as np

from pilotlight_canary.statistics.floats import Floats, log_mean
from pilotlight_canary.statistics.process import merged

_ALLOWED = 1.1
_FACTORS = np.array([1.25, 1.7, 4.0])
_DIRECTIONS = np.concatenate([np.ones(3), -np.ones(3)])
_ODDS = np.concatenate([_FACTORS, 1 / _FACTORS])
_WEIGHTS = np.full(6, 1 / 6)
BETS = len(_ODDS)


def advanced(state: Floats, canary: Floats, stable: Floats, weight: int) -> Floats:
    """The bets' logarithms after an interval.

    Args:
        state: Shape (..., strata, BETS).
        canary: Requests that came to the canary; shape (..., strata).
        stable: To stable.
        weight: Percentage that the canary was to get; nothing is learnt from 0 and 100.
    """
    if not 0 < weight < 100:
        return state
    told = weight / (100 - weight)
    null = told * _ALLOWED**_DIRECTIONS
    bet = null * _ODDS
    gain = canary[..., None] * np.log(_ODDS) - (canary + stable)[..., None] * np.log(
        (1 + bet) / (1 + null)
    )
    return np.asarray(state + gain, dtype=np.float64)


def evidence_of(state: Floats, own: Floats, dispersion: float = 1.0) -> tuple[Floats, Floats]:
    """Logarithms of each stratum's e-value and of the whole's; ``own`` as for a check."""
    tempered = state / dispersion
    each = log_mean(tempered, _WEIGHTS)
    return each, merged(log_mean(tempered.sum(axis=-2), _WEIGHTS), each, own)
