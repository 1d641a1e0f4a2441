"""Arrays as the statistics use them, and sums of numbers that are kept as logarithms."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_mean(logs: Floats, weights: Floats) -> Floats:
    """Logarithm of the weighted mean of ``exp(logs)`` over the last axis; no overflow.

    Args:
        logs: Natural logarithms; ``-inf`` is a zero.
        weights: Not negative; they broadcast against ``logs``.
    """
    # What has no weight must not set the scale: the rest would underflow beside it.
    weighing = np.where(np.broadcast_to(weights, logs.shape) > 0, logs, -np.inf)
    largest = np.max(weighing, axis=-1, keepdims=True)
    # An axis of zeros only: any finite shift will do.
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        mean = np.log(np.sum(weights * np.exp(weighing - largest), axis=-1))
    return np.asarray(mean + largest[..., 0], dtype=np.float64)
