"""Figures from Prometheus."""

from collections.abc import Callable
from typing import TypeVar

from pilotlight.api.rollout_status import Yardsticks
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import MetricsUnavailable
from pilotlight.metrics.exposition import Sample
from pilotlight.metrics.prometheus import Prometheus, Series
from pilotlight_canary.metrics import selectors
from pilotlight_canary.metrics.assembly import (
    envoy_readings,
    istio_counters,
    pod_readings,
    who,
)
from pilotlight_canary.metrics.counters import BAD, TOTAL
from pilotlight_canary.metrics.edges import REVISION_PLACE
from pilotlight_canary.metrics.queried_past import yardsticks_of
from pilotlight_canary.metrics.snapshot import Counter, Instance, Look, Reading, Snapshot
from pilotlight_canary.metrics.source import Target
from pilotlight_canary.observation import Silence

_Found = TypeVar("_Found")


class PrometheusSource:
    """A ``MetricsSource``: instant queries of raw counters; differences are made by us.

    ``rate`` and ``increase`` extrapolate, which makes counts out of none; and both versions
    must be counted over the same time, which only the scrapes' own times tell.

    Args:
        prometheus: Scrapes the servers (with the labels ``namespace``, ``revision`` and
            ``pod`` or ``instance``) and the gateway.
        clock: Tells for which moment is asked.
    """

    def __init__(self, prometheus: Prometheus, clock: Clock | None = None) -> None:
        self._prometheus = prometheus
        self._clock = clock or SystemClock()

    def close(self) -> None:
        """Close the connections."""
        self._prometheus.close()

    def read(self, target: Target) -> Snapshot:
        at = self._clock.time()
        has_queries = any(metric.query for metric in target.analysis.checks)
        return Snapshot(
            at=at,
            stable=target.stable,
            canary=target.canary,
            pods=_or_silence(lambda: self._pods(target, at)),
            gateway=_or_silence(lambda: self._gateway(target, at)),
            queries=_or_silence(lambda: self._queries(target, at)) if has_queries else None,
        )

    def yardsticks(self, target: Target) -> Yardsticks:
        return yardsticks_of(self._prometheus, target, self._clock.time())

    def _pods(self, target: Target, at: float) -> Look:
        arms = (target.component, target.namespace, _arms(target))
        times = self._times(selectors.pods_scraped_at(*arms), at)
        samples = self._samples(selectors.pods(*arms), at)
        readings = pod_readings(samples, target.component, times, at)
        silent = {
            instance
            for series in self._prometheus.at(selectors.unscraped(*arms[1:]), at)
            if (instance := _instance(series)) not in readings
        }
        return Look(readings, frozenset(silent))

    def _gateway(self, target: Target, at: float) -> Look | None:
        arms = (target.namespace, _arms(target))
        samples = self._samples(selectors.envoy(*arms), at)
        if samples:
            return self._envoy(target, samples, at)
        if istio := self._istio(target, at):
            return istio
        return Look() if self._prometheus.at(selectors.any_envoy(), at) else None

    def _envoy(self, target: Target, samples: list[Sample], at: float) -> Look:
        query = selectors.envoy_scraped_at(target.namespace, _arms(target))
        times = {who(s.labels): s.value for s in self._prometheus.at(query, at)}
        readings: dict[Instance, Reading] = {}
        for replica in {who(sample.labels) for sample in samples}:
            own = [sample for sample in samples if who(sample.labels) == replica]
            when = times.get(replica, at)
            readings |= envoy_readings(own, replica, target.namespace, _arms(target), when)
        return Look(readings)

    def _istio(self, target: Target, at: float) -> Look | None:
        arms = (target.namespace, _arms(target))
        grouped: dict[Instance, list[Sample]] = {}
        for sample in self._samples(selectors.istio(*arms), at):
            revision = sample.labels["destination_service_name"]
            grouped.setdefault(Instance(revision, who(sample.labels)), []).append(sample)
        if not grouped:
            return None
        times: dict[str, float] = {}
        for series in self._prometheus.at(selectors.istio_scraped_at(*arms), at):
            replica = who(series.labels)
            times[replica] = max(times.get(replica, 0.0), series.value)
        return Look(
            {
                instance: Reading(times.get(instance.name, at), istio_counters(own))
                for instance, own in grouped.items()
            }
        )

    def _queries(self, target: Target, at: float) -> Look:
        counters: dict[Instance, dict[Counter, float]] = {}
        for metric in target.analysis.checks:
            if metric.query is None:
                continue
            for part, text in ((BAD, metric.query.bad), (TOTAL, metric.query.total)):
                for revision in _arms(target):
                    query = text.replace(REVISION_PLACE, revision)
                    for series in self._prometheus.at(query, at):
                        own = counters.setdefault(Instance(revision, who(series.labels)), {})
                        key = (metric.name, part)
                        own[key] = own.get(key, 0.0) + series.value
        return Look(
            {
                instance: Reading(at, own, is_sum=not instance.name)
                for instance, own in counters.items()
            }
        )

    def _samples(self, query: str, at: float) -> list[Sample]:
        return [
            Sample(series.labels.get("__name__", ""), series.labels, series.value)
            for series in self._prometheus.at(query, at)
        ]

    def _times(self, query: str, at: float) -> dict[Instance, float]:
        return {_instance(series): series.value for series in self._prometheus.at(query, at)}


def _arms(target: Target) -> tuple[str, ...]:
    return tuple(name for name in (target.canary, target.stable) if name)


def _instance(series: Series) -> Instance:
    return Instance(series.labels.get("revision", ""), who(series.labels))


def _or_silence(read: Callable[[], _Found]) -> _Found | Silence:
    try:
        return read()
    except MetricsUnavailable as error:
        return Silence(str(error))
