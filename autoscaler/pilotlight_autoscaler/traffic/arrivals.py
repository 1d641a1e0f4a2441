"""Requests drawn from ServeGen's windows.

A window of n requests names the distribution of its n - 1 inter-arrival times, and so how long
its activity lasted: their mean times n - 1 (a Gamma fit keeps the mean, so this is the recorded
span up to rounding; in the traces it is never over a window). *Where* in the window that span lies
is unknown, and jittered: uniform over the room that it leaves. A Weibull fit does not keep the
mean: its span is an upper bound, and is drawn uniformly below it in a window that has no neighbour
on one side, where the spans of Gamma windows are close to uniform too.

Inter-arrival times are scaled to fill their span. For Gamma that is the exact distribution given
their sum (Dirichlet); for Weibull it is an approximation.

A two-week trace holds over a billion requests. Windows with many are drawn in batches, and windows
that surely have no pause are not drawn at all.
"""

from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.traffic import interarrival
from pilotlight_autoscaler.traffic.servegen import WINDOW_S, Client

# Of a window: about one a second.
_BATCHES = 600
_PAUSE_S = 60.0
# Two windows of at least this span leave no pause between them.
_FULL_S = WINDOW_S - _PAUSE_S / 2
# Chance of a pause in a window that is not drawn.
_SURE = 1e-6
# Rounding moves no request into the next window.
_LAST_S = np.nextafter(WINDOW_S, 0.0) - 1e-6
# Times of a window that is not drawn.
_STEPS = 61


@dataclass(frozen=True)
class Batches:
    """Requests that arrive together; both arrays have the shape (batches,).

    Args:
        time_s: When, ascending.
        requests: How many.
    """

    time_s: Floats
    requests: Floats


def arrivals(client: Client, random: np.random.Generator) -> Floats:
    """Every single request of a client: its time in seconds, ascending.

    Memory for all of them is needed: :func:`batches` is for those who ask only for pauses.
    """
    spans = _spans(client, random)
    drawn = [np.empty(0)]
    for index, start in enumerate(client.start_s):
        single = _Window(
            int(client.requests[index]),
            spans[index],
            1,
            client.shape[index],
            bool(client.gamma[index]),
        )
        drawn.append(start + single.draw(random))
    return np.concatenate(drawn)


def batches(client: Client, random: np.random.Generator) -> Batches:
    """The requests of a client, in batches where they are many.

    Pauses of more than a minute, and the first minutes after each, come out as if single
    requests had been drawn, to about a second.
    """
    spans, requests = _spans(client, random), client.requests
    drawn, sizes = _needs_drawing(client, spans), np.ceil(requests / _BATCHES).astype(int)
    gamma = client.gamma | (sizes > 1)
    shapes = np.where(sizes > 1, interarrival.batch_shapes(client) * sizes, client.shape)
    times, counts = [np.empty(0)], [np.empty(0)]
    for index, start in enumerate(client.start_s):
        size, total = int(sizes[index]), int(requests[index])
        if drawn[index]:
            window = _Window(total, spans[index], size, shapes[index], bool(gamma[index]))
            time = start + window.draw(random)
            count = np.full(len(time), float(size))
            count[0] = 1.0
            count[-1] += total - count.sum()
        else:
            begin = start + (WINDOW_S - spans[index]) / 2
            time = begin + np.linspace(0.0, spans[index], _STEPS)
            count = np.full(_STEPS, total / _STEPS)
        times.append(time)
        counts.append(count)
    return Batches(np.concatenate(times), np.concatenate(counts))


@dataclass(frozen=True)
class _Window:
    """What one window is drawn from: its waits are those between batches of ``size`` requests."""

    requests: int
    span_s: float
    size: int
    shape: float
    gamma: bool

    def draw(self, random: np.random.Generator) -> Floats:
        """Times from the window's begin: the first request, and the last of each batch after it."""
        count = -(-(self.requests - 1) // self.size)
        law = random.standard_gamma if self.gamma else random.weibull
        waits = law(self.shape, count)
        total = waits.sum()
        # Shapes near 0 may leave nothing but zeros.
        shares = waits / total if 0 < total < np.inf else np.full(count, 1.0 / max(count, 1))
        begin = random.uniform(0.0, WINDOW_S - self.span_s)
        waited = np.minimum(np.cumsum(shares), 1.0)
        return np.asarray(np.minimum(np.r_[begin, begin + self.span_s * waited], _LAST_S))


def _spans(client: Client, random: np.random.Generator) -> Floats:
    """How long the activity of each window lasts, in seconds."""
    spans = np.minimum((client.requests - 1) * interarrival.means(client), WINDOW_S)
    unsure = ~client.gamma & _at_an_edge(client.start_s)
    return np.where(unsure, spans * random.random(len(spans)), spans)


def _at_an_edge(start_s: Floats) -> Flags:
    apart = np.diff(start_s) > WINDOW_S
    return np.asarray(np.r_[True, apart] | np.r_[apart, True])


def _needs_drawing(client: Client, spans: Floats) -> Flags:
    """Whether a window may hold a pause, or may follow one."""
    full = spans >= _FULL_S
    joined = np.r_[False, (np.diff(client.start_s) == WINDOW_S) & full[:-1]]
    risk = client.requests * interarrival.tails(client, _PAUSE_S)
    return np.asarray(~full | ~joined | (risk > _SURE))
