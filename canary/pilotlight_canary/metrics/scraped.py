"""Figures from the pods themselves, where there is no Prometheus."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from pilotlight.api.rollout_status import Yardsticks
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import ClusterError, MetricsUnavailable
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import POD
from pilotlight.metrics.exposition import fetch, samples
from pilotlight_canary.metrics.assembly import envoy_readings
from pilotlight_canary.metrics.counters import envoy_families, pod_families, pod_figures
from pilotlight_canary.metrics.past import dispersions, limits_kept
from pilotlight_canary.metrics.snapshot import Instance, Look, Reading, Snapshot
from pilotlight_canary.metrics.source import Target
from pilotlight_canary.observation import Silence

REVISION_LABEL = "serving.knative.dev/revision"
SERVER_PORT = "user-port"
PORT_ANNOTATION = "prometheus.io/port"
PATH_ANNOTATION = "prometheus.io/path"
AT_A_TIME = 16
KEPT_LOOKS = 240


@dataclass(frozen=True)
class Gateway:
    """Where Kourier's replicas are and tell their statistics."""

    namespace: str = "kourier-system"
    labels: str = "app=3scale-kourier-gateway"
    port: int = 9000
    path: str = "/stats/prometheus"


class ScrapingSource:
    """A ``MetricsSource`` that asks each pod, at its own address.

    Stable's past is what was seen of it: its looks are kept, the last ones of each revision
    that was ever read as stable.

    Args:
        cluster: Lists the pods.
        deadline_s: Seconds for one pod's figures.
        gateway: Whose replicas count the errors; ``None``: ask none.
        clock: Times the answers.
    """

    def __init__(
        self,
        cluster: Cluster,
        deadline_s: float = 5.0,
        gateway: Gateway | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._cluster = cluster
        self._deadline_s = deadline_s
        self._gateway = gateway or Gateway()
        self._clock = clock or SystemClock()
        self._client = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="scrape")
        self._seen: dict[tuple[str, str], deque[tuple[Look, Look]]] = {}

    def close(self) -> None:
        """End the threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def read(self, target: Target) -> Snapshot:
        pods, gateway = self._pods(target), self._stats(target)
        if isinstance(pods, Look):
            self._keep(target, pods, gateway if isinstance(gateway, Look) else Look())
        has_queries = any(metric.query for metric in target.analysis.checks)
        return Snapshot(
            at=self._clock.time(),
            stable=target.stable,
            canary=target.canary,
            pods=pods,
            gateway=gateway,
            queries=Silence("a query needs a Prometheus") if has_queries else None,
        )

    def yardsticks(self, target: Target) -> Yardsticks:
        seen = list(self._seen.get((target.namespace, target.stable), ()))
        pods = [look for look, _ in seen]
        gateway = [look for _, look in seen if look.readings]
        kept = limits_kept(pods, target.stable)
        found = dispersions(pods, gateway, target.stable, target.analysis.checks, kept)
        note = f"from {len(seen)} looks at {target.stable}, without a Prometheus"
        return kept.model_copy(update={"dispersion": found, "note": note})

    def _pods(self, target: Target) -> Look | Silence:
        revisions = [name for name in (target.canary, target.stable) if name]
        try:
            found = self._cluster.list(
                POD, target.namespace, labels=f"{REVISION_LABEL} in ({','.join(revisions)})"
            )
        except ClusterError as error:
            return Silence(f"the pods cannot be listed: {error}")
        running = [pod for pod in found if _address(pod)]
        answers = list(self._threads.map(lambda pod: self._server(pod, target), running))
        readings = {instance: reading for instance, reading in answers if reading is not None}
        staying = {pod["metadata"]["name"] for pod in running if not _is_leaving(pod)}
        silent = {i for i, reading in answers if reading is None and i.name in staying}
        return Look(readings, frozenset(silent))

    def _server(self, pod: Document, target: Target) -> tuple[Instance, Reading | None]:
        metadata = pod["metadata"]
        instance = Instance(metadata["labels"][REVISION_LABEL], metadata["name"])
        annotations = metadata.get("annotations", {})
        path = annotations.get(PATH_ANNOTATION, "/metrics")
        url = f"http://{_address(pod)}:{_port(pod)}{path}"
        try:
            response = fetch(self._client, url, self._deadline_s)
            if response.status_code != httpx.codes.OK:
                return instance, None
            found = samples(response.text, frozenset(pod_families(target.component)))
        except MetricsUnavailable:
            return instance, None
        figures = pod_figures(found, target.component)
        at = self._clock.time()
        return instance, Reading(at, figures.counters, figures.started_at, figures.stall_s)

    def _stats(self, target: Target) -> Look | Silence | None:
        place = self._gateway
        try:
            found = self._cluster.list(POD, place.namespace, labels=place.labels)
        except ClusterError as error:
            return Silence(f"the gateway's pods cannot be listed: {error}")
        replicas = [pod for pod in found if _address(pod)]
        if not replicas:
            return None
        readings: dict[Instance, Reading] = {}
        try:
            for own in self._threads.map(lambda pod: self._replica(pod, target), replicas):
                readings |= own
        except MetricsUnavailable as error:
            return Silence(f"the gateway does not tell its figures: {error}")
        return Look(readings)

    def _replica(self, pod: Document, target: Target) -> dict[Instance, Reading]:
        place = self._gateway
        url = f"http://{_address(pod)}:{place.port}{place.path}"
        response = fetch(self._client, url, self._deadline_s)
        if response.status_code != httpx.codes.OK:
            raise MetricsUnavailable(f"{url} answered {response.status_code}")
        found = samples(response.text, frozenset(envoy_families()))
        revisions = [name for name in (target.canary, target.stable) if name]
        at = self._clock.time()
        return envoy_readings(found, pod["metadata"]["name"], target.namespace, revisions, at)

    def _keep(self, target: Target, pods: Look, gateway: Look) -> None:
        key = (target.namespace, target.stable)
        self._seen.setdefault(key, deque(maxlen=KEPT_LOOKS)).append((pods, gateway))
        for old in [other for other in self._seen if other[0] == key[0] and other != key]:
            if old[1] != target.canary and _same_service(old[1], target.stable):
                del self._seen[old]


def _address(pod: Document) -> str:
    status = pod.get("status", {})
    # One that is being deleted still ends its streams.
    address = status.get("podIP", "") if status.get("phase") == "Running" else ""
    return f"[{address}]" if ":" in address else address


def _is_leaving(pod: Document) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _port(pod: Document) -> int:
    ports: Sequence[Document] = [
        port for container in pod["spec"]["containers"] for port in container.get("ports", [])
    ]
    named = (port["containerPort"] for port in ports if port.get("name") == SERVER_PORT)
    return int(next(named, 8080))


def _same_service(one: str, other: str) -> bool:
    """Knative names revisions SERVICE-00001."""
    return one.rpartition("-")[0] == other.rpartition("-")[0]
