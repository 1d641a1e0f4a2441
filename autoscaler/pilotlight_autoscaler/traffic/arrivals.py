"""Requests drawn from ServeGen's windows.

*Where* in its window activity begins and ends is unknown, and jittered. It begins anywhere in a
window that has none before it, ends anywhere in a window that has none after it, and else goes on
(``Edges.UNIFORM``).

Another reading (``Edges.FITTED``) takes more from the file. A window of n requests names the
distribution of its n - 1 inter-arrival times, and so how long its activity lasted: their mean
times n - 1. A Gamma fit keeps the mean, so this is the recorded span up to rounding: in the traces
it is never over a window, nearly fills windows inside a run, and is about uniform at its edges.
The span then lies anywhere in the room that it leaves. Where it fills the window, which is so for
some at a run's edges too, activity begins or ends with the window itself: a policy could learn
that edge, which may be no more than the trace's own limit of ten requests to a window. A Weibull
fit does not keep the mean: its span is an upper bound, and at a run's edges is drawn below it.

Inter-arrival times are scaled to fill their span. For Gamma that is the exact distribution given
their sum (Dirichlet); for Weibull it is an approximation.

A two-week trace holds over a billion requests. Windows with many are drawn in batches, and windows
that surely have no pause are not drawn at all.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.traffic import interarrival
from pilotlight_autoscaler.traffic.servegen import WINDOW_S, Client

# Of a window: about one a second.
_BATCHES = 600
_PAUSE_S = 60.0
# Requests of a Weibull window that are drawn one by one.
_SINGLE = 20_000
# Two windows of at least this span leave no pause between them.
_FULL_S = WINDOW_S - _PAUSE_S / 2
# Chance of a pause in a window that is not drawn.
_SURE = 1e-6
# Rounding moves no request into the next window.
_ROOM_S = WINDOW_S - 1e-6
# Times of a window that is not drawn.
_STEPS = 61


class Edges(StrEnum):
    """What is taken to be known of where in its window activity begins and ends."""

    FITTED = "fitted"
    UNIFORM = "uniform"


@dataclass(frozen=True)
class Batches:
    """Requests that arrive together; both arrays have the shape (batches,).

    Args:
        time_s: When, ascending.
        requests: How many.
    """

    time_s: Floats
    requests: Floats


def rounded(found: Batches, step_s: float) -> Batches:
    """The same in steps, each with all its requests at its begin; far fewer in busy times."""
    step = found.time_s // step_s
    firsts = np.flatnonzero(np.r_[True, np.diff(step) > 0][: len(step)])
    sums = np.add.reduceat(found.requests, firsts) if len(firsts) else np.empty(0)
    return Batches(step[firsts] * step_s, sums)


def arrivals(client: Client, random: np.random.Generator, edges: Edges = Edges.UNIFORM) -> Floats:
    """Every single request of a client: its time in seconds, ascending.

    Memory for all of them is needed: :func:`batches` is for those who ask only for pauses.
    """
    begins, spans = _places(client, random, edges)
    drawn = [np.empty(0)]
    for index, begin in enumerate(client.start_s + begins):
        law = _Law(client.shape[index], bool(client.gamma[index]))
        drawn.append(begin + law.times(int(client.requests[index]) - 1, spans[index], random))
    return np.concatenate(drawn)


def batches(client: Client, random: np.random.Generator, edges: Edges = Edges.UNIFORM) -> Batches:
    """The requests of a client, in batches where they are many.

    Pauses of more than a minute, and the first minutes after each, come out as if single
    requests had been drawn, to about a second.
    """
    begins, spans = _places(client, random, edges)
    requests = client.requests
    drawn, sizes = _needs_drawing(client, spans), np.ceil(requests / _BATCHES).astype(int)
    # A sum of a few heavy Weibull waits is far from Gamma: these are drawn one by one.
    joint = (sizes > 1) & (client.gamma | (requests > _SINGLE))
    gamma = client.gamma | joint
    shapes = np.where(joint, interarrival.batch_shapes(client) * sizes, client.shape)
    times, counts = [np.empty(0)], [np.empty(0)]
    for index, begin in enumerate(client.start_s + begins):
        size, total = int(sizes[index]), int(requests[index])
        if drawn[index]:
            law = _Law(shapes[index], bool(gamma[index]))
            waits = -(-(total - 1) // size) if joint[index] else total - 1
            time = begin + law.times(waits, spans[index], random)
            if not joint[index]:
                time = _thinned(time, size)
            count = np.full(len(time), float(size))
            count[0] = 1.0
            count[-1] += total - count.sum()
        else:
            time = begin + np.linspace(0.0, spans[index], _STEPS)
            count = np.full(_STEPS, total / _STEPS)
        times.append(time)
        counts.append(count)
    return Batches(np.concatenate(times), np.concatenate(counts))


def _thinned(time: Floats, size: int) -> Floats:
    """The first, and the last of each batch after it."""
    return time if size == 1 else np.r_[time[:-1:size], time[-1]]


@dataclass(frozen=True)
class _Law:
    """The distribution of waits, up to their scale."""

    shape: float
    gamma: bool

    def times(self, waits: int, span_s: float, random: np.random.Generator) -> Floats:
        """0, and the times after so many waits that together fill a span."""
        drawn = (random.standard_gamma if self.gamma else random.weibull)(self.shape, waits)
        total = drawn.sum()
        # Shapes near 0 may leave nothing but zeros.
        shares = drawn / total if 0 < total < np.inf else np.full(waits, 1.0 / max(waits, 1))
        return np.asarray(span_s * np.r_[0.0, np.minimum(np.cumsum(shares), 1.0)])


def _places(client: Client, random: np.random.Generator, edges: Edges) -> tuple[Floats, Floats]:
    """Where in each window activity begins, and how long it lasts; in seconds."""
    apart = np.diff(client.start_s) > WINDOW_S
    first, last = np.r_[True, apart], np.r_[apart, True]
    one, other = random.random((2, len(client.start_s))) * _ROOM_S
    if edges is Edges.UNIFORM:
        begins = np.where(first, np.where(last, np.minimum(one, other), one), 0.0)
        ends = np.where(last, np.where(first, np.maximum(one, other), other), _ROOM_S)
        return begins, np.where(client.requests > 1, ends - begins, 0.0)
    spans = np.minimum((client.requests - 1) * interarrival.means(client), _ROOM_S)
    unsure = ~client.gamma & (first | last)
    spans = np.where(unsure, spans * one / _ROOM_S, spans)
    return (_ROOM_S - spans) * other / _ROOM_S, spans


def _needs_drawing(client: Client, spans: Floats) -> Flags:
    """Whether a window may hold a pause, or may follow one."""
    full = spans >= _FULL_S
    joined = np.r_[False, (np.diff(client.start_s) == WINDOW_S) & full[:-1]]
    risk = client.requests * interarrival.tails(client, _PAUSE_S)
    return np.asarray(~full | ~joined | (risk > _SURE))
