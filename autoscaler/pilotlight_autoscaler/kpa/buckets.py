"""Averages over a window, in buckets of a second (``autoscaler/aggregation/bucketing.go``)."""

import math

from pilotlight_autoscaler.kpa.go_floats import power, round_away

DIGITS = 10.0**6
SMALLEST_DECAY = 0.2
LEAST_WEIGHT = 1 - 0.9999
"""What the weights of a window may lack of one."""


class Buckets:
    """A plain average; a window that is not full yet counts for as long as it is.

    All moments are whole seconds (see ``instants.whole_second``). Missing seconds inside the
    window count as zero, those since the last record are left out.

    Args:
        window_s: Length of the window in seconds.
    """

    __slots__ = ("_first", "_last", "_total", "_values", "window_s")

    def __init__(self, window_s: float) -> None:
        self.window_s = window_s
        self._values = [0.0] * math.ceil(window_s)
        self._first: int | None = None
        self._last: int | None = None
        self._total = 0.0

    def record(self, second: int, value: float) -> None:
        """Add a value to its second; one that is older than the window is ignored."""
        last = self._last
        if last is None or second - last >= self.window_s:
            self._restart(second)
        elif second != last:
            if second + self.window_s <= last:
                return
            if self._first is None or self._first > second:
                self._first = second
            if second > last:
                self._forget(last, second)
        self._values[second % len(self._values)] += value
        self._total += value

    def average(self, second: int) -> float:
        """The average as of a second, to six digits behind the point; zero without records."""
        last = self._last
        if last is None:
            return 0.0
        age = second - last
        size = len(self._values)
        if age <= 0:
            return _rounded(self._total / min(self._filled(last), size))
        if age >= self.window_s:
            return 0.0
        total = self._total
        for index in range(last + 1, second + 1):
            total -= self._values[index % size]
        return _rounded(total / min(self._filled(last), size - age))

    def empty(self, second: int) -> bool:
        """Whether nothing was recorded for longer than the window."""
        return self._last is None or second - self._last > self.window_s

    def resize(self, window_s: float, second: int) -> None:
        """Change the window's length and keep what was recorded, as far as it fits."""
        if window_s == self.window_s:
            return
        old = self._values
        new = [0.0] * math.ceil(window_s)
        total = 0.0
        if self._last is not None and not self.empty(second):
            for index in range(self._last, self._last - min(len(new), len(old)), -1):
                new[index % len(new)] = old[index % len(old)]
                total += old[index % len(old)]
            self._first = self._last - (len(old) - 1)
        else:
            self._first = None
        self.window_s, self._values, self._total = window_s, new, total

    def _filled(self, last: int) -> float:
        """Seconds from the first record to the last one."""
        return math.inf if self._first is None else last - self._first + 1

    def _restart(self, second: int) -> None:
        self._first = self._last = second
        self._values = [0.0] * len(self._values)
        self._total = 0.0

    def _forget(self, last: int, second: int) -> None:
        """Empty the buckets that are used anew."""
        values, size = self._values, len(self._values)
        for index in range(last + 1, second + 1):
            self._total -= values[index % size]
            values[index % size] = 0.0
        self._last = second


class WeightedBuckets(Buckets):
    """An average whose weights fall exponentially with age, never slower than by a fifth."""

    __slots__ = ("_decay",)

    def __init__(self, window_s: float) -> None:
        super().__init__(window_s)
        self._decay = decay(len(self._values))

    def average(self, second: int) -> float:
        """The weighted sum as of a second; zero without records."""
        last = self._last
        if last is None or self.empty(second):
            return 0.0
        size = count = len(self._values)
        weight = self._decay
        if second > last:
            weight *= power(1 - self._decay, second - last)
            count -= second - last
        result = 0.0
        for index in range(last, last - count, -1):
            result += self._values[index % size] * weight
            weight *= 1 - self._decay
        return result

    def resize(self, window_s: float, second: int) -> None:
        """Change the window's length, and how fast weights fall."""
        super().resize(window_s, second)
        self._decay = decay(len(self._values))


def decay(buckets: int) -> float:
    """The weight of the newest of so many buckets (``computeSmoothingCoeff``)."""
    return max(1 - power(0.0001, 1 / buckets), SMALLEST_DECAY)


def _rounded(x: float) -> float:
    return round_away(x * DIGITS) / DIGITS
