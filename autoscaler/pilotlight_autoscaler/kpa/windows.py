"""The greatest value of a sliding window (``autoscaler/aggregation/max``)."""

import math
from collections import deque

from pilotlight_autoscaler.kpa.instants import whole_second


class MaximumWindow:
    """Delays every fall of a number by the window, and no rise.

    Args:
        window_s: How long a value counts, in seconds.
        granularity_s: Length of a bucket, in whole seconds: the autoscaler's tick.
    """

    __slots__ = ("_falling", "_granularity_s", "_size")

    def __init__(self, window_s: float, granularity_s: int) -> None:
        self._size = math.ceil(window_s / granularity_s)
        self._granularity_s = granularity_s
        self._falling: deque[tuple[int, int]] = deque()

    def record(self, now_s: float, value: int) -> None:
        """Take in a value; moments never go back."""
        index = whole_second(now_s) // self._granularity_s
        falling = self._falling
        while falling and value >= falling[-1][1]:
            falling.pop()
        while falling and index - falling[0][0] >= self._size:
            falling.popleft()
        if falling and falling[-1][0] == index:
            value = falling.pop()[1]
        falling.append((index, value))

    @property
    def current(self) -> int:
        """The greatest value within the window, as of the last record."""
        return self._falling[0][1]
