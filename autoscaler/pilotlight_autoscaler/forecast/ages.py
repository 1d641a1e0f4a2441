"""Into which steps an idle time is cut: fine where plans differ, coarse where little is known."""

import numpy as np

from pilotlight_autoscaler.demand import Floats

HOUR_S = 3600.0
DAY_S = 86400.0

SLEEP_S = 300.0
"""A gap counts as idle time that can be learnt from if it is longer than this."""

FIRST_S = 60.0
"""Before this age nothing is switched off: Knative's own stable window lasts as long."""

STEPS_S: Floats = np.concatenate(
    [
        [FIRST_S],
        np.arange(SLEEP_S, 3 * HOUR_S, 300.0),
        np.arange(3 * HOUR_S, 12 * HOUR_S, 600.0),
        np.arange(12 * HOUR_S, 48 * HOUR_S + 1.0, 1200.0),
    ]
)
"""Edges of the ages that a plan is made for, in seconds, shape (steps + 1,)."""

MIDDLES_S: Floats = (STEPS_S[:-1] + STEPS_S[1:]) / 2
WIDTHS_S: Floats = np.diff(STEPS_S)

_MINUTES = (5, 8, 12, 17, 23, 30, 40, 55, 75, 100, 140, 200, 300, 450, 700, 1100, 2880)
CLASSES_S: Floats = 60.0 * np.array(_MINUTES, dtype=np.float64)
"""Edges of the classes that ages are counted in, in seconds, shape (classes + 1,)."""

_LOG_MIDDLES = (np.log(CLASSES_S[:-1]) + np.log(CLASSES_S[1:])) / 2
SMOOTH: Floats = np.exp(-0.5 * ((_LOG_MIDDLES[:, None] - _LOG_MIDDLES[None, :]) / 0.25) ** 2)
"""What an observation in one class says of another, shape (classes, classes)."""

CLASS_OF_STEP = np.clip(
    np.searchsorted(CLASSES_S, MIDDLES_S, side="right") - 1, 0, len(CLASSES_S) - 2
)
"""The class of each step, shape (steps,)."""
