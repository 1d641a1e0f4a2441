"""Services made of chosen gaps."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.study.gaps import LONGEST_START_S, Gaps, Record, find
from pilotlight_autoscaler.study.population import WEEK_S, Service
from pilotlight_autoscaler.traffic.arrivals import Batches

NO_HOLES = np.empty((0, 2))
WHOLE = Record(0.0, 2 * WEEK_S, NO_HOLES)

idle_times = st.lists(st.floats(61.0, 30_000.0), min_size=1, max_size=25)
"""Lengths of gaps, in seconds."""


def gaps_of(lengths: Sequence[float], busy_s: float = 30.0, per_second: float = 0.0) -> Gaps:
    """Gaps of chosen lengths with busy times between, from 0 on; after each a steady rate."""
    length = np.array(lengths, dtype=np.float64)
    begin = np.cumsum(np.r_[0.0, length[:-1] + busy_s])
    burst = 1.0 + per_second * np.arange(LONGEST_START_S + 1.0)
    return Gaps(
        begin,
        begin + length,
        np.ones(len(length), dtype=np.bool_),
        np.tile(burst, (len(length), 1)),
    )


def service_of(times: Floats, holes: Floats = NO_HOLES) -> Service:
    """A service with single requests at these times of two weeks."""
    requests = Batches(times, np.ones(len(times)))
    gaps = find(requests, Record(0.0, 2 * WEEK_S, holes))
    return Service(
        "a",
        0,
        requests,
        gaps.before(WEEK_S),
        gaps.after(WEEK_S),
        Record(0.0, WEEK_S, holes),
        Record(WEEK_S, 2 * WEEK_S, holes),
    )
