"""A share of bad answers with a band that holds at every look at once.

The beta-binomial mixture: for answers that are bad independently with chance p, the likelihood of
what was seen, averaged over Beta(1/2, 1/2), over its likelihood under p is a martingale that starts
at 1. By Ville's inequality it ever reaches 1/alpha with a chance of at most alpha; the band has the
p for which it has not (H. Robbins, Annals of Mathematical Statistics 41, 1970, section 3; Howard
et al., arXiv 1810.08240, section 3). It is a picture for people: what decides compares the versions
within the same intervals and strata (docs/canary.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma, log

ALPHA = 0.05
PRIOR = 0.5
HALVINGS = 40


@dataclass(frozen=True)
class Band:
    """A share and where it may be."""

    share: float
    low: float
    high: float


def band(bad: int, total: int, dispersion: float = 1.0, alpha: float = ALPHA) -> Band | None:
    """The band after so many answers; ``None`` without any.

    Args:
        dispersion: Variance of the bad in units of independent answers': so many answers count
            for one.
        alpha: Chance that the band is ever wrong.
    """
    if total <= 0:
        return None
    x, n = bad / dispersion, total / dispersion
    share = x / n
    evidence = _log_beta(PRIOR + x, PRIOR + n - x) - _log_beta(PRIOR, PRIOR)
    threshold = evidence + log(alpha)

    def inside(p: float) -> bool:
        return _log_likelihood(x, n, p) > threshold

    return Band(share, _edge(inside, share, 0.0), _edge(inside, share, 1.0))


def _edge(inside: Callable[[float], bool], within: float, beyond: float) -> float:
    """Where the band ends between the share, which is inside, and 0 or 1, by halving."""
    if inside(beyond):
        return beyond
    for _ in range(HALVINGS):
        middle = (within + beyond) / 2
        within, beyond = (middle, beyond) if inside(middle) else (within, middle)
    return within


def _log_likelihood(x: float, n: float, p: float) -> float:
    return _times_log(x, p) + _times_log(n - x, 1 - p)


def _times_log(count: float, chance: float) -> float:
    if not count:
        return 0.0
    return count * log(chance) if chance > 0 else float("-inf")


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
