"""From single requests to the bins that forecasts learn from."""

import numpy as np

from pilotlight_autoscaler.demand import Demand, Flags, Floats


def resample(
    time_s: Floats,
    duration_s: Floats,
    step_s: float,
    span_s: tuple[float, float],
    holes: Floats | None = None,
) -> Demand:
    """A history in bins of equal length.

    Args:
        time_s: When requests came, in any order.
        duration_s: For how long each was in flight.
        step_s: Length of a bin.
        span_s: Begin of the first bin, and a time that the last one holds or ends at.
        holes: Begin and end of times without a record, shape (holes, 2): a bin that touches one
            is not known.
    """
    start, bins = span_s[0], max(1, int(np.ceil((span_s[1] - span_s[0]) / step_s - 1e-9)))
    edges: Floats = np.asarray(start + step_s * np.arange(bins + 1.0), dtype=np.float64)
    arrivals, _ = np.histogram(time_s, edges)
    busy = np.diff(_worked(edges, time_s, time_s + duration_s))
    return Demand(
        start_s=start,
        step_s=step_s,
        arrivals=arrivals.astype(np.float64),
        concurrency=busy / step_s,
        known=_known(edges, np.empty((0, 2)) if holes is None else holes),
    )


def _worked(at_s: Floats, begin_s: Floats, end_s: Floats) -> Floats:
    """Request-seconds in flight before each time: the sum over requests of what they had had."""
    return _past(at_s, begin_s) - _past(at_s, end_s)


def _past(at_s: Floats, event_s: Floats) -> Floats:
    """The sum of the ages that events have at each time."""
    ordered = np.sort(event_s)
    sums = np.r_[0.0, np.cumsum(ordered)]
    count = np.searchsorted(ordered, at_s)
    return np.asarray(count * at_s - sums[count])


def _known(edges: Floats, holes: Floats) -> Flags:
    touched = np.zeros(len(edges) - 1, dtype=np.bool_)
    for begin, end in holes:
        touched |= (edges[:-1] < end) & (edges[1:] > begin)
    return ~touched
