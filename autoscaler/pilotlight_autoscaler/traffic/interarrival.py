"""The two distributions of inter-arrival times that ServeGen fits: Gamma and Weibull."""

import math

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.traffic.servegen import Client

# exp() of more overflows.
_MOST = 700.0
_lgamma = np.frompyfunc(math.lgamma, 1, 1)


def means(client: Client) -> Floats:
    """Mean inter-arrival time of each window in seconds; infinite where it overflows."""
    inverse = 1.0 / client.shape
    weibull = client.scale * _gamma_function(1.0 + inverse)
    return np.where(client.gamma, client.shape * client.scale, weibull)


def batch_shapes(client: Client) -> Floats:
    """Shape of the Gamma distribution that has each window's coefficient of variation.

    Sums of k Gamma variables of shape a are Gamma of shape k a exactly; sums of many Weibull
    variables are taken as Gamma of the same mean and variance.
    """
    inverse = 1.0 / client.shape
    log_ratio = _log_gamma(1.0 + 2.0 * inverse) - 2.0 * _log_gamma(1.0 + inverse)
    squared_cv = np.expm1(np.minimum(log_ratio, _MOST))
    return np.where(client.gamma, client.shape, 1.0 / np.maximum(squared_cv, 1e-12))


def tails(client: Client, longer_than_s: float) -> Floats:
    """An upper bound of the chance that one inter-arrival time is longer than that.

    Weibull: exact. Gamma: Chernoff's bound, (x/m)^a exp(a - x/s) with m = a s, for x > m.
    """
    relative = longer_than_s / client.scale
    with np.errstate(over="ignore"):
        weibull = np.exp(-(relative**client.shape))
    # log of the bound; at most 0, since it is no bound below the mean.
    log = client.shape * (1.0 + np.log(relative / client.shape)) - relative
    above = relative > client.shape
    return np.where(client.gamma, np.where(above, np.exp(np.minimum(log, 0.0)), 1.0), weibull)


def _log_gamma(values: Floats) -> Floats:
    return np.asarray(_lgamma(values), dtype=np.float64)


def _gamma_function(values: Floats) -> Floats:
    return np.asarray(np.exp(np.minimum(_log_gamma(values), _MOST)))
