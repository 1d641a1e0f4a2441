"""Two hundred warm pools, two weeks of history each: what their controller takes."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from pilotlight.api.stored import understood
from pilotlight.api.warmpool import WarmPool
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import (
    CONFIG_MAP,
    INFERENCE_SERVICE,
    NAMESPACE,
    POD,
    REVISION,
    ROUTE,
    WARM_POOL,
)
from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.metrics.history import of_demand
from pilotlight_autoscaler.metrics.store import TraceStore
from pilotlight_autoscaler.metrics.trace import Trace
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.autoscaler.place import CONTAINER
from tests.controlplane.autoscaler.played_prometheus import Played, serving
from tests.controlplane.process import Controller, await_

NAMESPACES = ("many-a", "many-b", "many-c", "many-d")
EACH = 50
DAYS = 14
MEMORY_MB = 200
CORE = 0.10
MEASURED_S = 30.0
READY = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]


def make(cluster: ApiServer, kind: Kind, name: str, namespace: str, **rest: Any) -> Document:
    metadata = {"name": name, "namespace": namespace, **rest.pop("metadata", {})}
    document = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **rest}
    return cluster.create(document)


def with_status(cluster: ApiServer, kind: Kind, name: str, namespace: str, status: Any) -> None:
    reference = Reference(kind, name, namespace)
    cluster.patch(reference, {"status": status}, subresource="status")


def service(cluster: ApiServer, namespace: str, name: str) -> str:
    """A sleeping service; its revision."""
    revision = f"{name}-predictor-00001"
    labels = {"serving.kserve.io/inferenceservice": name, "component": "predictor"}
    spec = {"predictor": {"containers": [CONTAINER]}}
    make(cluster, INFERENCE_SERVICE, name, namespace, spec=spec)
    with_status(cluster, INFERENCE_SERVICE, name, namespace, {"deploymentMode": "Knative"})
    named: dict[str, Any] = {"metadata": {"labels": labels}}
    make(cluster, REVISION, revision, namespace, spec={"containers": [CONTAINER]}, **named)
    traffic = [{"revisionName": revision, "percent": 100}]
    make(cluster, ROUTE, f"{name}-predictor", namespace, spec={"traffic": traffic}, **named)
    settled = {"traffic": traffic, "conditions": READY}
    with_status(cluster, ROUTE, f"{name}-predictor", namespace, settled)
    return revision


def replica(cluster: ApiServer, namespace: str, name: str, revision: str) -> str:
    pod = f"{revision}-deployment-abc-{name[-4:]}x"
    labels = {
        "serving.kserve.io/inferenceservice": name,
        "component": "predictor",
        "serving.knative.dev/revision": revision,
    }
    make(
        cluster, POD, pod, namespace, metadata={"labels": labels}, spec={"containers": [CONTAINER]}
    )
    with_status(cluster, POD, pod, namespace, {"phase": "Running", "conditions": READY})
    return pod


def two_weeks(seed: int) -> Trace:
    """Busy hours on weekdays, calls in the night."""
    dice = np.random.default_rng(seed)
    bins = DAYS * 1440
    start_s = time.time() // 60 * 60 - bins * 60
    hour = np.arange(bins) / 60 % 24
    rate = np.where((hour > 8) & (hour < 18), 0.3, 0.002)
    arrivals = dice.poisson(rate).astype(float)
    known = np.ones(bins, dtype=bool)
    return Trace(of_demand(Demand(start_s, 60.0, arrivals, arrivals * 0.2, known)))


def people(cluster: ApiServer) -> Played:
    """All services, pools and histories."""
    revisions: dict[str, list[str]] = {}
    pods: dict[str, list[str]] = {}
    store = TraceStore(cluster)
    for place, namespace in enumerate(NAMESPACES):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        account = {"name": "default", "namespace": namespace}
        cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        for number in range(EACH):
            name = f"chat-{number:04}"
            revision = service(cluster, namespace, name)
            revisions.setdefault(namespace, []).append(revision)
            if number % 4 == 0:
                pods.setdefault(namespace, []).append(replica(cluster, namespace, name, revision))
            spec = {"targetRef": {"name": name}, "maxReplicas": 2}
            pool = make(cluster, WARM_POOL, name, namespace, spec=spec)
            store.save(understood(WarmPool, pool), two_weeks(place * EACH + number))
    return Played(revisions, pods)


def test_two_hundred_pools_take_little(
    warm_api: ApiServer, control_plane: ControlPlane, tmp_path: Path
) -> None:
    played = people(warm_api)
    everywhere = ",".join(NAMESPACES)
    try:
        with serving(played) as address:
            controller = Controller(
                control_plane.kubeconfig,
                everywhere,
                tmp_path,
                settings={"PROMETHEUS": address},
                part="warmpool",
            )
            with controller:
                measure(warm_api, controller)
    finally:
        for namespace in NAMESPACES:
            for kind in (POD, CONFIG_MAP, WARM_POOL):
                for document in warm_api.list(kind, namespace):
                    warm_api.delete(Reference(kind, document["metadata"]["name"], namespace))
            warm_api.delete(Reference(NAMESPACE, namespace))


def measure(cluster: ApiServer, controller: Controller) -> None:
    def looked_at() -> bool:
        pools = [pool for namespace in NAMESPACES for pool in cluster.list(WARM_POOL, namespace)]
        found = [pool.get("status") or {} for pool in pools]
        terms = [{term["reason"] for term in status.get("terms") or ()} for status in found]
        # Learnt: the forecast speaks for every one of them.
        return len(found) == len(NAMESPACES) * EACH and all("forecast" in one for one in terms)

    await_(looked_at, 200, lambda: "not all pools have a forecast")
    process = psutil.Process(controller.pid)
    began, before = time.monotonic(), process.cpu_times()
    time.sleep(MEASURED_S)
    after, took = process.cpu_times(), time.monotonic() - began
    core = (after.user + after.system - before.user - before.system) / took
    memory = process.memory_info().rss / 1e6
    assert memory < MEMORY_MB, f"{memory:.0f} MB"
    assert core < CORE, f"{core:.1%} of a core"
