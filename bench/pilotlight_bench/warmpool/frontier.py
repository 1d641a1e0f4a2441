"""From a policy's parameter to its price: idle hours against wakes.

A policy with one of its parameters is a point: idle time, and wakes or affected requests. Between
two of them every mix can be had, by drawing the parameter anew for each gap. The lower convex hull
of the points of the *learning week* is the policy's frontier: all that it chooses its parameters
from.

What it then comes to in the week that is scored is a matter of that week: a parameter that took
200 idle hours in one week may take 180 or 230 in the next, and more hours buy fewer wakes. Three
readings follow from this, and all are published:

- *held to our hours* (the headline): ours is chosen on the learning week, so that its idle hours
  there are those of the retention, and scored as it falls. The others are read on their frontiers
  at the very hours that ours used in the scored week, with hindsight on that one number. Whatever
  ours uses more or less than was meant, the others get.
- *as they fall*: everybody is chosen on the learning week alone. Hours differ.
- *held to the retention's hours*: everybody, ours too, is read at the hours that the retention used
  in the scored week.

The others may choose one parameter for wakes and another for affected requests, and are read on
the frontier for either, whichever is better; ours has one parameter, the one for wakes.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pilotlight_bench.warmpool.study import Floats

IDLE, WAKES, AFFECTED = 0, 1, 2
"""Columns of figures."""


@dataclass(frozen=True)
class Mix:
    """Two settings, and the share of the second.

    Args:
        first: Its row.
        second: Its row.
        share: From 0 to 1.
    """

    first: int
    second: int
    share: float

    def of(self, figures: Floats) -> Floats:
        """The mixed row."""
        mixed = figures[self.first] * (1 - self.share) + figures[self.second] * self.share
        return np.asarray(mixed, dtype=np.float64)


@dataclass(frozen=True)
class Frontier:
    """What a policy may choose from.

    Args:
        rows: Settings on the learning week's hull, from few idle hours to many.
        learning: Figures of all settings in the learning week, shape (settings, 3).
        scoring: The same of the scored week.
    """

    rows: tuple[int, ...]
    learning: Floats
    scoring: Floats

    @classmethod
    def of(cls, learning: Floats, scoring: Floats, figure: int) -> "Frontier":
        """The frontier for one figure: ``WAKES`` or ``AFFECTED``."""
        return cls(hull(learning[:, IDLE], learning[:, figure]), learning, scoring)

    def chosen(self, idle: float) -> Mix:
        """The mix with so many idle hours in the learning week, or with the nearest there is."""
        hours = self.learning[list(self.rows), IDLE]
        place = float(np.interp(idle, hours, np.arange(len(hours))))
        low = min(int(place), max(len(hours) - 2, 0))
        high = min(low + 1, len(hours) - 1)
        return Mix(self.rows[low], self.rows[high], place - low)

    def held(self, idle: float, figure: int, by: int) -> float:
        """A figure at the mix that is best with at most so many idle hours in the scored week.

        Infinite where no setting uses so few.

        Args:
            idle: Hours, in the unit of the figures.
            figure: Which to read.
            by: Which shall be least.
        """
        points = self.scoring[list(self.rows)]
        within = [point for point in points if point[IDLE] <= idle]
        for one, other in pairwise(points):
            low, high = sorted((one, other), key=lambda point: float(point[IDLE]))
            if low[IDLE] < idle < high[IDLE]:
                within.append(low + (high - low) * (idle - low[IDLE]) / (high[IDLE] - low[IDLE]))
        return float(min(within, key=lambda p: float(p[by]))[figure]) if within else np.inf


def hull(idle: Floats, figure: Floats) -> tuple[int, ...]:
    """The lower convex hull's rows, as far as more idle time buys less of the figure."""
    rows: list[int] = []
    for row in np.lexsort((figure, idle)).tolist():
        if rows and figure[row] >= figure[rows[-1]]:
            continue
        while len(rows) > 1 and not _turns_left(idle, figure, rows[-2], rows[-1], row):
            rows.pop()
        rows.append(row)
    return tuple(rows)


def _turns_left(x: Floats, y: Floats, a: int, b: int, c: int) -> bool:
    return bool((x[b] - x[a]) * (y[c] - y[a]) > (y[b] - y[a]) * (x[c] - x[a]))
