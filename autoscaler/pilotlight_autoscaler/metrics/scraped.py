"""Figures from the pods themselves, where there is no Prometheus."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import ClusterError, MetricsUnavailable
from pilotlight.kube.cluster import Cluster
from pilotlight.metrics.exposition import Sample, fetch, samples
from pilotlight_autoscaler.metrics import families as f
from pilotlight_autoscaler.metrics.figures import (
    Figures,
    PodFigures,
    RevisionFigures,
    figures,
    pod_figures,
)
from pilotlight_autoscaler.metrics.knative import Key, of_namespace, revision_figures
from pilotlight_autoscaler.metrics.places import Place, places
from pilotlight_autoscaler.metrics.subject import Pod, Subject

AT_A_TIME = 16
KNATIVE_FRESH_S = 5.0
"""What Knative told of all revisions serves all looks of so long a time."""


@dataclass(frozen=True)
class _Told:
    at: float
    revisions: Mapping[Key, RevisionFigures]
    silence: str = ""


class ScrapingSource:
    """A ``MetricsSource`` that asks each replica, and Knative's own pods, at their addresses.

    Args:
        cluster: Lists Knative's pods.
        deadline_s: Seconds for one pod's figures.
        knative: Namespace of the activator and the autoscaler.
        port: At which these tell theirs.
        clock: Times the answers.
    """

    def __init__(
        self,
        cluster: Cluster,
        deadline_s: float = 3.0,
        knative: str = "knative-serving",
        port: int = 9090,
        clock: Clock | None = None,
    ) -> None:
        self._cluster = cluster
        self._deadline_s = deadline_s
        self._knative = knative
        self._port = port
        self._clock = clock or SystemClock()
        self._client = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="scrape")
        self._told: _Told | None = None

    def close(self) -> None:
        """End the threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def read(self, subjects: Sequence[Subject]) -> Mapping[str, Figures]:
        asked = [(subject, pod) for subject in subjects for pod in subject.pods if pod.address]
        answers = list(self._threads.map(lambda pair: self._pod(*pair), asked))
        pods = {pod.name: own for (_, pod), own in zip(asked, answers, strict=True) if own}
        has_revisions = any(subject.revisions for subject in subjects)
        told = self._revisions() if has_revisions else _Told(self._clock.time(), {})
        at = self._clock.time()
        return {
            each.service: figures(
                each,
                pods,
                of_namespace(told.revisions, each.namespace),
                at,
                told.silence if each.revisions else "",
            )
            for each in subjects
        }

    def _pod(self, subject: Subject, pod: Pod) -> PodFigures | None:
        """A replica's own figures, and its queue-proxy's where it counts no requests itself."""
        names = f.pod_names(subject.prefix)
        found = self._samples(Place(pod.address, pod.port, pod.path), names) or []
        own = pod_figures(found, subject.prefix, self._clock.time())
        if f.REQUESTS not in own.values and pod.revision:
            found += self._samples(Place(pod.address, f.QUEUE_PROXY_PORT), names) or []
            own = pod_figures(found, subject.prefix, self._clock.time())
        return own if own.values else None

    def _samples(self, place: Place, names: frozenset[str]) -> list[Sample] | None:
        try:
            response = fetch(self._client, place.url, self._deadline_s)
            if response.status_code == httpx.codes.OK:
                return samples(response.text, names)
        except MetricsUnavailable:
            pass  # It is silent, which is what the figures say of it.
        return None

    def _revisions(self) -> _Told:
        now = self._clock.time()
        if self._told is None or not 0 <= now - self._told.at < KNATIVE_FRESH_S:
            self._told = self._ask_knative()
        return self._told

    def _ask_knative(self) -> _Told:
        at = self._clock.time()
        try:
            found = places(self._cluster, self._knative, self._port)
        except ClusterError as error:
            return _Told(at, {}, f"Knative's pods cannot be listed: {error}")
        answers = self._threads.map(lambda place: self._samples(place, f.KNATIVE), found)
        by_place = dict(zip(found, answers, strict=True))
        mute = [place.url for place, answer in by_place.items() if answer is None]
        timed = [(sample, at) for answer in by_place.values() for sample in answer or ()]
        silence = "there are no pods of Knative's activator and autoscaler" if not found else ""
        return _Told(
            at,
            revision_figures(timed),
            f"Knative does not tell its figures at {mute[0]}" if mute else silence,
        )
