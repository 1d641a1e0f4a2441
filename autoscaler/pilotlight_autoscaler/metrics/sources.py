"""Where each warm pool's figures come from."""

from pilotlight.api.warmpool import WarmPool
from pilotlight.clock import Clock, SystemClock
from pilotlight.kube.cluster import Cluster
from pilotlight.metrics.prometheus import Prometheus
from pilotlight_autoscaler.metrics.past import PrometheusPast
from pilotlight_autoscaler.metrics.queried import PrometheusSource
from pilotlight_autoscaler.metrics.scraped import ScrapingSource
from pilotlight_autoscaler.metrics.source import MetricsSource


class Sources:
    """One source for each Prometheus, and one that asks the pods; each is made when needed.

    Args:
        cluster: Lists Knative's pods.
        prometheus: For pools that name no ``metricsServer``; empty: ask the pods.
        clock: Times the figures.
    """

    def __init__(self, cluster: Cluster, prometheus: str = "", clock: Clock | None = None) -> None:
        self._cluster = cluster
        self._prometheus = prometheus
        self._clock = clock or SystemClock()
        self._clients: dict[str, Prometheus] = {}
        self._known: dict[str, MetricsSource] = {}

    def address(self, pool: WarmPool) -> str:
        """Of the pool's Prometheus; empty: it has none."""
        return pool.spec.metrics_server or self._prometheus

    def at(self, address: str) -> MetricsSource:
        """The source at an address; the pods themselves at none."""
        if address not in self._known:
            self._known[address] = (
                PrometheusSource(self._client(address), self._clock)
                if address
                else ScrapingSource(self._cluster, clock=self._clock)
            )
        return self._known[address]

    def past(self, address: str) -> PrometheusPast | None:
        """What a Prometheus remembers; pods remember nothing."""
        return PrometheusPast(self._client(address)) if address else None

    def close(self) -> None:
        """End threads and connections."""
        for source in self._known.values():
            source.close()
        for client in self._clients.values():
            client.close()
        self._known.clear()
        self._clients.clear()

    def _client(self, address: str) -> Prometheus:
        if address not in self._clients:
            self._clients[address] = Prometheus(address)
        return self._clients[address]
