"""All metrics of one worker: its requests, its upstreams, and whatever its pipeline counts."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pilotlight_transformer.metrics.requests import PREFIX, RequestCounter
from pilotlight_transformer.metrics.workers import WorkerMetrics


class _Current(Collector):
    """What the pipeline of this moment counts; another file may have brought other steps."""

    def __init__(self, collectors: Callable[[], Iterable[Collector]]) -> None:
        self._collectors = collectors

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        for collector in self._collectors():
            yield from collector.collect()


class _InFlight(Collector):
    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        help_text = "Requests from acceptance to the last byte."
        yield GaugeMetricFamily(f"{PREFIX}_in_flight_requests", help_text, value=self._count())


class ServerMetrics:
    """One worker's metrics, and through it those of all workers of the server.

    Args:
        requests: An observer of the gateway.
        in_flight: How many requests run.
        collectors: Of the upstreams, and of the pipeline of the moment.
        folder: Where the workers meet; ``None``: there is only this one.
        number: Of this worker.
    """

    def __init__(
        self,
        requests: RequestCounter,
        in_flight: Callable[[], int],
        collectors: Callable[[], Iterable[Collector]],
        folder: Path | None = None,
        number: int = 0,
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(requests)
        self._registry.register(_InFlight(in_flight))
        self._registry.register(_Current(collectors))
        self._workers = WorkerMetrics(folder, number, self._own) if folder is not None else None

    async def start(self) -> None:
        """Let the other workers ask."""
        if self._workers is not None:
            await self._workers.start()

    async def text(self) -> bytes:
        """In Prometheus' text format."""
        return self._own() if self._workers is None else await self._workers.text()

    async def close(self) -> None:
        """Let nobody ask any more."""
        if self._workers is not None:
            await self._workers.close()

    def _own(self) -> bytes:
        return generate_latest(self._registry)
