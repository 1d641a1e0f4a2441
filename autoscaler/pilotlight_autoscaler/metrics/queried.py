"""Figures from Prometheus."""

from collections.abc import Iterable, Mapping, Sequence

from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import MetricsUnavailable
from pilotlight.metrics.exposition import Sample
from pilotlight.metrics.prometheus import Prometheus, Series
from pilotlight_autoscaler.metrics import selectors
from pilotlight_autoscaler.metrics.figures import Figures, PodFigures, figures, pod_figures
from pilotlight_autoscaler.metrics.knative import of_namespace, revision_figures
from pilotlight_autoscaler.metrics.subject import Subject

WINDOW_S = 90
"""What was scraped longer ago says nothing of now; Prometheus' usual intervals are below."""


class PrometheusSource:
    """A ``MetricsSource``: two queries for all services of a namespace.

    Raw samples are asked for, since only they tell how old they are: an instant vector shows what
    was scraped up to five minutes ago as if it were of now.

    Args:
        prometheus: Scrapes the servers (with the labels ``namespace`` and ``pod``), their
            queue-proxies, and Knative's activators and autoscalers.
        clock: Tells for which moment is asked.
    """

    def __init__(self, prometheus: Prometheus, clock: Clock | None = None) -> None:
        self._prometheus = prometheus
        self._clock = clock or SystemClock()

    def close(self) -> None:
        """Close the connections."""
        self._prometheus.close()

    def read(self, subjects: Sequence[Subject]) -> Mapping[str, Figures]:
        at = self._clock.time()
        found: dict[str, Figures] = {}
        for namespace in sorted({subject.namespace for subject in subjects}):
            own = [subject for subject in subjects if subject.namespace == namespace]
            found |= self._namespace(namespace, own, at)
        return found

    def _namespace(
        self, namespace: str, subjects: Sequence[Subject], at: float
    ) -> Mapping[str, Figures]:
        prefixes = {subject.prefix for subject in subjects}
        silence, of_pods, of_revisions = "", [], []
        try:
            of_pods = self._prometheus.scraped(selectors.pods(namespace, prefixes), WINDOW_S, at)
            if any(subject.revisions for subject in subjects):
                query = selectors.knative(namespace)
                of_revisions = self._prometheus.scraped(query, WINDOW_S, at)
        except MetricsUnavailable as error:
            silence = str(error)
        revisions = of_namespace(revision_figures(map(_last, of_revisions)), namespace)
        by_pod = _by_pod(of_pods)
        return {
            subject.service: figures(subject, _figures(subject, by_pod), revisions, at, silence)
            for subject in subjects
        }


def _figures(subject: Subject, by_pod: Mapping[str, Sequence[Series]]) -> dict[str, PodFigures]:
    found = {}
    for pod in subject.pods:
        timed = [_last(series) for series in by_pod.get(pod.name, ())]
        if timed:
            at = min(moment for _, moment in timed)
            found[pod.name] = pod_figures((sample for sample, _ in timed), subject.prefix, at)
    return found


def _by_pod(found: Iterable[Series]) -> dict[str, list[Series]]:
    """The series of each pod; of two scrapes of one (a second job) the newer."""
    newest: dict[tuple[tuple[str, str], ...], Series] = {}
    for series in found:
        key = tuple(sorted((k, v) for k, v in series.labels.items() if k not in selectors.SCRAPE))
        now = newest.get(key)
        if now is None or series.points[-1][0] > now.points[-1][0]:
            newest[key] = series
    grouped: dict[str, list[Series]] = {}
    for series in newest.values():
        grouped.setdefault(series.labels.get("pod", ""), []).append(series)
    return grouped


def _last(series: Series) -> tuple[Sample, float]:
    moment, value = series.points[-1]
    return Sample(series.labels.get("__name__", ""), series.labels, value), moment
