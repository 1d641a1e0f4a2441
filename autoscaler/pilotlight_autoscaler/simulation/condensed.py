"""Busy stretches as counts: what makes a fortnight with a billion requests fit.

Gaps, and the minutes before and after each, stay single requests: there people wait, and there the
autoscaler turns. In between only sums matter to it, and nobody waits for a first replica.
"""

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.simulation.load import Flows, Ints, Load
from pilotlight_autoscaler.traffic.arrivals import Batches

BIN_S = 10.0
"""The rate of a flow stays for so long: little more than the autoscaler's panic window."""
MARGIN_BINS = 18
"""Bins at both ends of a busy stretch that stay single requests."""
LONGEST_PAUSE_S = 5.0
"""A bin with a longer one is not busy."""
LONGEST_BATCH_S = 15.0
"""The same before a batch, whose requests fill the time since the one before."""


def condense(load: Load, fewest: int = 20) -> Load:
    """Put rates in the place of requests in busy stretches.

    Args:
        load: Single requests.
        fewest: Requests in a bin that is busy.
    """
    counts = np.ones(len(load.arrivals))
    return _condensed(load.arrivals, counts, load.durations, float(fewest))


def of_batches(batches: Batches, duration_s: float, fewest: int = 20) -> Load:
    """Requests that were drawn in batches, all of one duration.

    Args:
        batches: Requests that arrive together.
        duration_s: How long each runs.
        fewest: Requests in a bin that is busy.
    """
    durations = np.full(len(batches.time_s), duration_s)
    return _condensed(batches.time_s, batches.requests, durations, float(fewest))


def _condensed(times: Floats, counts: Floats, durations: Floats, fewest: float) -> Load:
    """A batch came since the one before; its requests are told at its end."""
    if not len(times):
        return Load(times, durations)
    start = np.floor(times[0] / BIN_S) * BIN_S
    index: Ints = np.floor((times - start) / BIN_S).astype(np.int64)
    bins = int(index[-1]) + 1
    sums: Floats = np.asarray(np.bincount(index, counts, bins), dtype=np.float64)
    means = np.bincount(index, counts * durations, bins) / np.maximum(sums, 1.0)
    if counts.max() > 1:
        edges = start + BIN_S * np.arange(bins + 1.0)
        sums = np.diff(np.interp(edges, times, np.cumsum(counts)))
    flowing = _inner(_busy(times, counts, index, sums, fewest) & (means > 0))
    which = np.flatnonzero(flowing)
    flows = Flows(
        start + which * BIN_S,
        start + (which + 1) * BIN_S,
        sums[which] / BIN_S,
        means[which],
    )
    single = ~flowing[index]
    return Load(times[single], durations[single], flows, counts[single])


def _busy(times: Floats, counts: Floats, index: Ints, sums: Floats, fewest: float) -> Flags:
    """Many requests, and no pause that ends in the bin, or begins there."""
    longest = np.where(counts[1:] > 1, LONGEST_BATCH_S, LONGEST_PAUSE_S)
    long = np.diff(times) > longest
    busy: Flags = sums >= fewest
    busy[index[:-1][long]] = False
    busy[index[1:][long]] = False
    return busy


def _inner(busy: Flags) -> Flags:
    """Without so many bins at both ends of each stretch."""
    padded = np.concatenate([np.zeros(MARGIN_BINS, bool), busy, np.zeros(MARGIN_BINS, bool)])
    width = 2 * MARGIN_BINS + 1
    sums = np.convolve(padded.astype(np.int64), np.ones(width, np.int64), "valid")
    return np.asarray(sums == width)
