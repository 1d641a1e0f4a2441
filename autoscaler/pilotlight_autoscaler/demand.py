"""What a service was asked for: the history that forecasts learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Demand:
    """A history in bins of equal length, oldest first; all arrays have the shape (bins,).

    Args:
        start_s: Where the first bin begins, in seconds since the epoch (UTC).
        step_s: Length of a bin in seconds.
        arrivals: Requests that came in each bin.
        concurrency: Mean number of requests in flight in each bin.
        known: Whether anything was recorded; a bin that was not is neither traffic nor idleness.
    """

    start_s: float
    step_s: float
    arrivals: Floats
    concurrency: Floats
    known: Flags

    def __post_init__(self) -> None:
        """Refuse what cannot be a history.

        Raises:
            ValueError: The arrays differ in shape, or bins have no length.
        """
        shapes = {self.arrivals.shape, self.concurrency.shape, self.known.shape}
        if len(shapes) != 1 or self.arrivals.ndim != 1:
            raise ValueError(f"arrays of one length are needed, not {sorted(shapes)}")
        if not self.step_s > 0:
            raise ValueError(f"a bin lasts longer than {self.step_s} s")

    @property
    def end_s(self) -> float:
        """Where the last bin ends."""
        return self.start_s + self.step_s * len(self.arrivals)


@dataclass(frozen=True)
class Recent:
    """What is known of this moment, finer than the history.

    Args:
        concurrency: Requests in flight now.
        idle_since_s: When the last of them ended, in seconds since the epoch; ``None``: one is in
            flight, or none ever came.
        gaps_s: Lengths of the last idle times between requests, oldest first.
        lately: Requests in the ten minutes before ``idle_since_s``; ``None``: not known.
    """

    concurrency: float = 0.0
    idle_since_s: float | None = None
    gaps_s: tuple[float, ...] = ()
    lately: float | None = None
