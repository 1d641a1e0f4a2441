"""Into which steps an idle time is cut: fine where plans differ, coarse where little is known."""

import numpy as np
from numpy.typing import NDArray

from pilotlight_autoscaler.demand import Floats

HOUR_S = 3600.0
DAY_S = 86400.0

SLEEP_S = 300.0
"""A gap counts as idle time that can be learnt from if it is longer than this."""

FIRST_S = 60.0
"""Before this age nothing is switched off: Knative's own stable window lasts as long."""

SLOT_S = 600.0
"""Length of a slot of the calendar; slots begin at multiples of it since the epoch."""

_AFTER: Floats = np.concatenate(
    [
        np.arange(300.0, 4 * HOUR_S, 300.0),
        np.arange(4 * HOUR_S, 24 * HOUR_S, SLOT_S),
        np.arange(24 * HOUR_S, 48 * HOUR_S + 1.0, 2 * SLOT_S),
    ]
)

STEPS = 3 + len(_AFTER)
"""How many steps a plan has."""


def edges_s(at_s: Floats) -> Floats:
    """Ages at which the steps of plans begin and end, in seconds, shape (times, STEPS + 1).

    From the fourth on they fall on slots of the calendar or their halves: what happens by the
    clock happens in one step.

    Args:
        at_s: When the idle times begin, seconds since the epoch, shape (times,).
    """
    to_slot = -(at_s + SLEEP_S) % SLOT_S
    aligned = SLEEP_S + to_slot
    first = np.broadcast_to([FIRST_S, SLEEP_S], (len(at_s), 2))
    between = SLEEP_S + to_slot % (SLOT_S / 2)
    return np.concatenate(
        [first, between[:, None], aligned[:, None], aligned[:, None] + _AFTER], axis=1
    )


_MINUTES = (5, 8, 12, 17, 23, 30, 40, 55, 75, 100, 140, 200, 300, 450, 700, 1100, 2880)
CLASSES_S: Floats = 60.0 * np.array(_MINUTES, dtype=np.float64)
"""Edges of the classes that ages are counted in, in seconds, shape (classes + 1,)."""

_LOG_MIDDLES = (np.log(CLASSES_S[:-1]) + np.log(CLASSES_S[1:])) / 2
SMOOTH: Floats = np.exp(-0.5 * ((_LOG_MIDDLES[:, None] - _LOG_MIDDLES[None, :]) / 0.25) ** 2)
"""What an observation in one class says of another, shape (classes, classes)."""


def class_of(ages_s: Floats) -> NDArray[np.int64]:
    """The class of each age, of the shape given."""
    found = np.searchsorted(CLASSES_S, ages_s, side="right") - 1
    return np.clip(found, 0, len(CLASSES_S) - 2).astype(np.int64)
