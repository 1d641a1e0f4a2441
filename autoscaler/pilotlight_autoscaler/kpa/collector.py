"""From statistics to averages (``autoscaler/metrics/collector.go``, ``stats_scraper.go``)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pilotlight_autoscaler.kpa.buckets import Buckets, WeightedBuckets
from pilotlight_autoscaler.kpa.instants import whole_second
from pilotlight_autoscaler.kpa.settings import Aggregation, KpaSettings, Metric

SAMPLE_OF_MANY = 15.3664
"""Pods to ask of endlessly many, 1.96² · 100 / 5²: 95 % confidence, variance 100, margin 5."""


@dataclass(frozen=True, slots=True)
class Stat:
    """One report of an activator, or one scrape of all pods.

    Attributes:
        concurrency: Average of requests in flight over the report's period.
        proxied_concurrency: Those of them that came through the activator, which reports them
            itself.
        requests: Requests per second.
        proxied_requests: Those of them that came through the activator.
    """

    concurrency: float = 0.0
    proxied_concurrency: float = 0.0
    requests: float = 0.0
    proxied_requests: float = 0.0


class Collection:
    """The metric of one revision, over the stable and the panic window.

    Args:
        settings: Of the revision; the aggregation stays as it is at the start.
    """

    def __init__(self, settings: KpaSettings) -> None:
        weighted = settings.aggregation is Aggregation.WEIGHTED
        kind = WeightedBuckets if weighted else Buckets
        self.settings = settings
        self._stable = kind(settings.stable_window_s)
        self._panic = kind(settings.panic_window_s)

    def record(self, now_s: float, stat: Stat) -> None:
        """Take in a report; what the activator counted is taken off."""
        if self.settings.metric is Metric.RPS:
            value = stat.requests - stat.proxied_requests
        else:
            value = stat.concurrency - stat.proxied_concurrency
        second = whole_second(now_s)
        self._stable.record(second, value)
        self._panic.record(second, value)

    def stable_and_panic(self, now_s: float) -> tuple[float, float] | None:
        """Both averages; ``None``: pods are scraped, and a window went by without a report."""
        second = whole_second(now_s)
        if self.settings.scraped and self._stable.empty(second):
            return None
        return self._stable.average(second), self._panic.average(second)

    def resize(self, settings: KpaSettings, now_s: float) -> None:
        """Go on with other windows."""
        self.settings = settings
        second = whole_second(now_s)
        self._stable.resize(settings.stable_window_s, second)
        self._panic.resize(settings.panic_window_s, second)


def sample_size(pods: int) -> int:
    """How many pods are asked of so many: all up to four (``autoscaler/metrics/sample_size.go``).

    More are asked at random, those older than the stable window first.
    """
    if pods <= 3:
        return max(pods, 0)
    return math.ceil(pods * SAMPLE_OF_MANY / (pods + SAMPLE_OF_MANY - 1))


def scraped(sample: Sequence[Stat], pods: int) -> Stat | None:
    """One report for all ready pods, from those asked; ``None`` without pods: nothing is recorded.

    Args:
        sample: Reports of ``sample_size(pods)`` of the ready pods.
        pods: How many are ready.
    """
    if not sample:
        return None
    size, total = float(len(sample)), float(pods)
    concurrency = proxied_concurrency = requests = proxied_requests = 0.0
    for stat in sample:  # not sum(), which rounds otherwise than adding does
        concurrency += stat.concurrency
        proxied_concurrency += stat.proxied_concurrency
        requests += stat.requests
        proxied_requests += stat.proxied_requests
    return Stat(
        concurrency / size * total,
        proxied_concurrency / size * total,
        requests / size * total,
        proxied_requests / size * total,
    )
