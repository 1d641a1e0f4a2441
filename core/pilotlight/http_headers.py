"""Headers that predictor and transformer tell each other things with."""

import math

LONGEST_DEADLINE_MS = 24 * 3600 * 1000
"""Of ``x-request-deadline-ms``."""
REVISION = b"x-pilotlight-revision"
"""Of an answer: the Knative revision that made it."""


def deadline_s(value: str | bytes) -> float | None:
    """What ``x-request-deadline-ms`` says, in seconds.

    Returns:
        ``None`` if it is no number of milliseconds, or not between 0 and the longest one.
    """
    try:
        milliseconds = float(value)
    except ValueError:
        milliseconds = math.nan
    return milliseconds / 1000 if 0 < milliseconds <= LONGEST_DEADLINE_MS else None
