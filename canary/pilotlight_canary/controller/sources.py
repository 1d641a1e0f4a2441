"""Where each rollout's figures come from."""

import threading

from pilotlight.api.rollout import InferenceRollout
from pilotlight.clock import Clock
from pilotlight.kube.cluster import Cluster
from pilotlight.metrics.prometheus import Prometheus
from pilotlight_canary.metrics.queried import PrometheusSource
from pilotlight_canary.metrics.scraped import ScrapingSource


class Sources:
    """One source for each Prometheus, and one that asks the pods; each is made when needed.

    Args:
        prometheus: For rollouts that name no ``metricsServer``; empty: ask the pods.
        cluster: Lists the pods.
        clock: Times the figures.
    """

    def __init__(self, prometheus: str, cluster: Cluster, clock: Clock) -> None:
        self._prometheus = prometheus
        self._cluster = cluster
        self._clock = clock
        self._known: dict[str, PrometheusSource] = {}
        self._scraping: ScrapingSource | None = None
        self._lock = threading.Lock()

    def of(self, rollout: InferenceRollout) -> PrometheusSource | ScrapingSource:
        """A rollout's source."""
        url = rollout.spec.metrics_server or self._prometheus
        with self._lock:
            if not url:
                self._scraping = self._scraping or ScrapingSource(self._cluster, clock=self._clock)
                return self._scraping
            if url not in self._known:
                self._known[url] = PrometheusSource(Prometheus(url), self._clock)
            return self._known[url]
