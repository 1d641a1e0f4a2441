"""What the autoscaler has been told, a value a second, and its averages by prefix sums.

The averages are those of ``kpa.buckets``: one subtraction instead of one record a second, so that
a decision about a busy hour costs as much as one about a second, and many are taken at once.
"""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np

from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.kpa.go_floats import round_away
from pilotlight_autoscaler.kpa.instants import whole_second
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.simulation.load import Ints
from pilotlight_autoscaler.simulation.service import Phases

_DIGITS = 10.0**6


@dataclass
class Window:
    """One of the two windows: its length, and where its data begins.

    Args:
        size: Buckets of a second.
        since: The bucket of the first record since the window was last empty.
    """

    size: int
    since: int = 0


@dataclass
class Signal:
    """Reports of a revision: settled ones, and those that follow if nothing changes.

    Bucket ``k`` holds the mean concurrency of the second that ends with report ``k``. ``values``
    begin with bucket ``first``. A request that finds the activator without any memory of the
    revision is reported at once, as one (``getOrCreateStat``): those are ``sparks``.

    Args:
        settings: Windows.
        phases: When reports and scrapes come.
    """

    settings: KpaSettings
    phases: Phases
    first: int = 0
    values: Floats = field(default_factory=lambda: np.zeros(0))
    sums: Floats = field(default_factory=lambda: np.zeros(1))
    told: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    """Whether the activator had anything to report; shape (values,)."""
    sparks: list[float] = field(default_factory=list)
    scraped_since: float = math.inf
    """From when on pods report too, so that every second has a record; infinity: they do not."""
    last: int | None = None
    """The bucket of the last record before a silence; ``None``: there has been none."""
    silent: bool = True
    """Whether nobody reports."""

    def __post_init__(self) -> None:
        """Lay out both windows."""
        self.stable = Window(math.ceil(self.settings.stable_window_s))
        self.panic = Window(math.ceil(self.settings.panic_window_s))

    def bucket_of(self, time_s: float) -> int:
        """The report that a moment goes into."""
        return math.floor(time_s - self.phases.report_s) + 1

    def edges(self, first: int, last: int) -> Floats:
        """Where the seconds of these reports begin and end; shape (last - first + 2,)."""
        return self.phases.report_s + np.arange(first - 1, last + 1, dtype=np.float64)

    def hush(self, now_s: float) -> None:
        """From here on nobody reports: no pods, no requests."""
        if self.silent:
            return
        self.last = self._latest(now_s)
        self.silent = True
        self.continue_with(self.last + 1, np.zeros(0), np.zeros(0, dtype=np.bool_))

    def wake(self, bucket: int) -> None:
        """The first record after a silence; windows that were empty begin with it."""
        if not self.silent:
            return
        for window in (self.stable, self.panic):
            if self.last is None or bucket - self.last >= window.size:
                window.since = bucket
        self.silent = False
        self.continue_with(bucket, np.zeros(0), np.zeros(0, dtype=np.bool_))

    def continue_with(self, bucket: int, values: Floats, told: Flags) -> None:
        """Forget what was projected from a bucket on, and project this instead."""
        keep = self.stable.size + 2
        past, past_told = np.zeros(keep), np.zeros(keep, dtype=np.bool_)
        low = max(bucket - keep, self.first)
        high = min(bucket, self.first + len(self.values))
        if low < high:
            into = slice(low - bucket + keep, high - bucket + keep)
            past[into] = self.values[low - self.first : high - self.first]
            past_told[into] = self.told[low - self.first : high - self.first]
        self.first = bucket - keep
        self.values = np.concatenate([past, values])
        self.told = np.concatenate([past_told, told])
        self.sums = np.concatenate([[0.0], np.cumsum(self.values)])
        while self.sparks and self.sparks[0] < self.first:
            self.sparks.pop(0)

    def is_flat(self, now_s: float) -> bool:
        """Whether the stable window holds nothing but zeros."""
        bucket = self.bucket_of(now_s)
        old = now_s - self.stable.size - 2
        none_lit = not self.sparks or self.sparks[-1] < old
        return none_lit and self._sum(bucket - self.stable.size - 1, bucket) == 0

    def spark(self, time_s: float) -> None:
        """The activator reports a first request at once."""
        if not self.sparks or self.sparks[-1] < time_s:
            self.sparks.append(time_s)

    def unspark(self, time_s: float) -> None:
        """Forget those after a moment: they were projected."""
        while self.sparks and self.sparks[-1] > time_s:
            self.sparks.pop()

    def stable_and_panic(self, now_s: float) -> tuple[float, float] | None:
        """Both averages, as ``kpa.collector.Collection`` has them."""
        second = whole_second(now_s)
        latest = self.last if self.silent else self._latest(now_s)
        if latest is None or (self.settings.scraped and second - latest > self.stable.size):
            return None
        reported = math.floor(now_s - self.phases.report_s)
        return (
            self._average(self.stable, now_s, second, latest, reported),
            self._average(self.panic, now_s, second, latest, reported),
        )

    def _average(
        self, window: Window, now_s: float, second: int, latest: int, reported: int
    ) -> float:
        age = max(second - latest, 0)
        if age >= window.size or latest < window.since:
            return 0.0
        low = max(second - window.size if age else latest - window.size, window.since - 1)
        total = self._sum(low, min(latest, reported))
        if self.sparks:
            total += max(0, bisect_right(self.sparks, now_s) - bisect_left(self.sparks, low + 1))
        return round_away(total / min(latest - window.since + 1, window.size - age) * 1e6) / 1e6

    def _sum(self, low: int, high: int) -> float:
        """Of the buckets after ``low`` up to ``high``."""
        most = len(self.values)
        a = min(max(low + 1 - self.first, 0), most)
        b = min(max(high + 1 - self.first, 0), most)
        return float(self.sums[b] - self.sums[a]) if b > a else 0.0

    def _latest(self, now_s: float) -> int:
        """The newest bucket that anything was written to."""
        latest = math.floor(now_s - self.phases.report_s)
        scrape = math.floor(now_s - self.phases.scrape_s)
        if scrape + self.phases.scrape_s >= self.scraped_since:
            at = latest - self.first
            told = 0 <= at < len(self.told) and self.told[at]
            latest = max(latest, scrape) if told else scrape
        if self.sparks:
            lit = bisect_right(self.sparks, now_s)
            latest = max(latest, whole_second(self.sparks[lit - 1])) if lit else latest
        return latest

    def many(self, ticks: Floats) -> tuple[Floats, Floats, Flags]:
        """Averages at many moments while reports come without a break.

        Returns:
            Stable and panic averages, and where there is data; each of shape (ticks,).
        """
        second = np.floor(ticks).astype(np.int64)
        reported = np.floor(ticks - self.phases.report_s).astype(np.int64)
        latest = reported.copy()
        if self.scraped_since < math.inf:
            scrapes = np.floor(ticks - self.phases.scrape_s).astype(np.int64)
            came = scrapes + self.phases.scrape_s >= self.scraped_since
            told = self.told[np.clip(reported - self.first, 0, len(self.told) - 1)]
            latest = np.where(came, np.where(told, np.maximum(latest, scrapes), scrapes), latest)
        sparks = np.asarray(self.sparks)
        if len(sparks):
            lit = np.searchsorted(sparks, ticks, side="right")
            spark = np.floor(sparks[np.maximum(lit - 1, 0)]).astype(np.int64)
            latest = np.where(lit > 0, np.maximum(latest, spark), latest)
        data = latest >= self.stable.since
        found = [
            self._averages(window, ticks, second, latest, reported, sparks)
            for window in (self.stable, self.panic)
        ]
        return found[0], found[1], data

    def _averages(
        self,
        window: Window,
        ticks: Floats,
        second: Ints,
        latest: Ints,
        reported: Ints,
        sparks: Floats,
    ) -> Floats:
        age = np.maximum(second - latest, 0)
        low = np.where(age > 0, second, latest) - window.size
        low = np.maximum(low, window.since - 1)
        most = len(self.values)
        a = np.clip(low + 1 - self.first, 0, most)
        b = np.clip(np.minimum(latest, reported) + 1 - self.first, 0, most)
        total = self.sums[np.maximum(a, b)] - self.sums[a]
        if len(sparks):
            old = np.searchsorted(np.floor(sparks), low, side="right")
            total = total + np.maximum(np.searchsorted(sparks, ticks, side="right") - old, 0)
        filled = np.minimum(latest - window.since + 1, window.size - age)
        average = np.floor(total / np.maximum(filled, 1) * _DIGITS + 0.5) / _DIGITS
        return np.where((latest < window.since) | (age >= window.size), 0.0, average)
