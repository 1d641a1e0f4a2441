"""KServe and Knative as far as a rollout sees them: they keep statuses in a real API server.

Written after inference_service_status.go and ksvc_reconciler.go of KServe. A revision's image says
how it behaves: ``good``, or ``never-ready``.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pilotlight.errors import ClusterError, Conflict, NotInCluster
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import (
    DEPLOYMENT,
    INFERENCE_SERVICE,
    KNATIVE_SERVICE,
    NODE,
    POD,
    REVISION,
    ROUTE,
)

HASH = "pilotlight.dev/template-hash"
MIN_SCALE = "autoscaling.knative.dev/min-scale"
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
REVISION_LABEL = "serving.knative.dev/revision"
ROLE = "pilotlight.dev/role"
TEMPLATE = "test.pilotlight.dev/template"
NEVER_READY = "never-ready"
PERIOD_S = 0.1
logger = logging.getLogger(__name__)


def ready(*types: str, status: str = "True", reason: str = "") -> list[dict[str, str]]:
    """Conditions, all the same."""
    moment = "2026-01-01T00:00:00Z"
    return [
        {"type": t, "status": status, "reason": reason, "lastTransitionTime": moment} for t in types
    ]


class Platform:
    """Reconciles one namespace, in a thread.

    Args:
        cluster: As administrator.
        namespace: Whose InferenceServices.
        replicas: Pods of a revision that gets people's traffic.
    """

    def __init__(self, cluster: ApiServer, namespace: str, replicas: int = 2) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._replicas = replicas
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platform")
        self.address_of: Callable[[str], str] = lambda _: ""
        """Where a revision's pods are scraped; empty: nowhere."""
        self.split: dict[str, int] = {}
        """Percentage of people's requests by revision."""

    def __enter__(self) -> "Platform":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def add_node(self) -> None:
        """A machine with room for everybody."""
        room = {"cpu": "64", "memory": "256Gi", "pods": "500"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "big"}}
        self._cluster.apply(node, force=True)
        change = {
            "status": {
                "capacity": room,
                "allocatable": room,
                "conditions": [
                    {"type": "Ready", "status": "True", "lastHeartbeatTime": None}
                    | {"reason": "KubeletReady", "message": ""}
                ],
            }
        }
        self._cluster.patch(Reference(NODE, "big"), change, subresource="status")
        # Admission taints nodes that nobody has called ready.
        self._cluster.patch(Reference(NODE, "big"), {"spec": {"taints": None}})

    def _run(self) -> None:
        while not self._stopped.wait(PERIOD_S):
            try:
                self.reconcile()
            except Conflict:
                continue
            except ClusterError as error:
                logger.info("the platform tries again: %s", error)

    def reconcile(self) -> None:
        """Look at everything once."""
        services = self._cluster.list(INFERENCE_SERVICE, self._namespace)
        routes = self._cluster.list(ROUTE, self._namespace)
        wanted: dict[str, int] = {}
        for service in services:
            for name, share in self._service(service).items():
                wanted[name] = self._replicas if share else wanted.get(name, 0)
        for route in routes:
            if ROLE in (route["metadata"].get("labels") or {}):
                revision = self._own_route(route)
                wanted.setdefault(revision, 0)
        for document in self._cluster.list(REVISION, self._namespace):
            self._revision(document, wanted)

    # KServe

    def _service(self, service: Document) -> Mapping[str, int]:
        name = service["metadata"]["name"]
        latest = self._latest_revision(service)
        status = ((service.get("status") or {}).get("components") or {}).get("predictor") or {}
        rolled_out = status.get("latestRolledoutRevision", "")
        percent = service["spec"]["predictor"].get("canaryTrafficPercent")
        told = 100 if percent is None or not rolled_out else percent
        targets: list[dict[str, Any]] = [{"latestRevision": True, "percent": told}]
        if told < 100:
            targets.append(
                {"latestRevision": False, "revisionName": rolled_out, "percent": 100 - told}
            )
        newest_ready = self._is_ready(latest)
        last_ready = latest if newest_ready else status.get("latestReadyRevision", "")
        self._knative_service(service, targets, latest, last_ready)
        before = self._route_traffic(name)
        traffic = before
        if last_ready:
            traffic = [
                target | {"revisionName": last_ready} if target.get("latestRevision") else target
                for target in targets
            ]
            # Knative leaves the split as it was until the newest revision is ready.
            if not newest_ready and before:
                traffic = before
        self._knative_route(name, traffic)
        self._propagate(service, status, traffic, latest, last_ready)
        shares: dict[str, int] = {latest: 0}
        for target in traffic:
            revision = target["revisionName"]
            shares[revision] = shares.get(revision, 0) + target["percent"]
        self.split = dict(shares)
        return shares

    def _latest_revision(self, service: Document) -> str:
        predictor = service["spec"]["predictor"]
        template = json.dumps(
            {k: v for k, v in predictor.items() if k != "canaryTrafficPercent"}, sort_keys=True
        )
        name = service["metadata"]["name"]
        found = sorted(
            self._cluster.list(REVISION, self._namespace, labels=f"{SERVICE_LABEL}={name}"),
            key=lambda document: document["metadata"]["name"],
        )
        if found and found[-1]["metadata"]["labels"][TEMPLATE] == _digest(template):
            return str(found[-1]["metadata"]["name"])
        number = int(found[-1]["metadata"]["name"].rpartition("-")[2]) + 1 if found else 1
        revision = f"{name}-predictor-{number:05d}"
        annotations = {MIN_SCALE: str(predictor.get("minReplicas", 0))}
        if digest := (predictor.get("annotations") or {}).get(HASH):
            annotations[HASH] = digest
        image = predictor["containers"][0]["image"]
        self._cluster.create(
            {
                "apiVersion": REVISION.api_version,
                "kind": REVISION.name,
                "metadata": {
                    "name": revision,
                    "namespace": self._namespace,
                    "labels": self._labels(name) | {TEMPLATE: _digest(template)},
                    "annotations": annotations,
                },
                "spec": {"containers": [{"name": "kserve-container", "image": image}]},
            }
        )
        return revision

    def _propagate(
        self,
        service: Document,
        status: Mapping[str, str],
        traffic: list[dict[str, Any]],
        latest: str,
        last_ready: str,
    ) -> None:
        rolled_out = status.get("latestRolledoutRevision", "")
        previous = status.get("previousRolledoutRevision", "")
        by_revision: dict[str, int] = {}
        for target in traffic:
            name = target["revisionName"]
            by_revision[name] = by_revision.get(name, 0) + target["percent"]
        for target in traffic:
            if target["revisionName"] != last_ready or not target.get("latestRevision"):
                continue
            if rolled_out != last_ready:
                if target["percent"] == 100:
                    previous, rolled_out = rolled_out, last_ready
            elif latest == last_ready and target["percent"] < 100 == by_revision[last_ready]:
                rolled_out = previous or rolled_out
        component: dict[str, Any] = {
            "latestCreatedRevision": latest,
            "latestReadyRevision": last_ready,
            "latestRolledoutRevision": rolled_out,
            "previousRolledoutRevision": previous,
        }
        component = {key: value for key, value in component.items() if value}
        change = {"deploymentMode": "Knative", "components": {"predictor": component}}
        now = service.get("status") or {}
        if now.get("deploymentMode") == "Knative" and status == component:
            return
        version = {"resourceVersion": service["metadata"]["resourceVersion"]}
        self._cluster.patch(
            Reference(INFERENCE_SERVICE, service["metadata"]["name"], self._namespace),
            {"metadata": version, "status": change},
            subresource="status",
        )

    # Knative

    def _knative_service(
        self, service: Document, targets: list[dict[str, Any]], latest: str, last_ready: str
    ) -> None:
        name = service["metadata"]["name"]
        predictor = service["spec"]["predictor"]
        annotations = {}
        if digest := (predictor.get("annotations") or {}).get(HASH):
            annotations[HASH] = digest
        container = {"name": "kserve-container", "image": predictor["containers"][0]["image"]}
        spec = {
            "template": {
                "metadata": {"annotations": annotations},
                "spec": {"containers": [container]},
            },
            "traffic": targets,
        }
        document = self._ensure(KNATIVE_SERVICE, f"{name}-predictor", name, spec)
        status = {
            "observedGeneration": document["metadata"]["generation"],
            "latestCreatedRevisionName": latest,
            "latestReadyRevisionName": last_ready,
            "conditions": ready("ConfigurationsReady", "Ready", "RoutesReady"),
        }
        self._status(KNATIVE_SERVICE, document, status)

    def _route_traffic(self, name: str) -> list[dict[str, Any]]:
        try:
            found = self._cluster.get(Reference(ROUTE, f"{name}-predictor", self._namespace))
        except NotInCluster:
            return []
        return list((found.get("status") or {}).get("traffic") or [])

    def _knative_route(self, name: str, traffic: list[dict[str, Any]]) -> None:
        document = self._ensure(
            ROUTE,
            f"{name}-predictor",
            name,
            {"traffic": [{"configurationName": f"{name}-predictor", "percent": 100}]},
        )
        status = {
            "observedGeneration": document["metadata"]["generation"],
            "traffic": traffic,
            "conditions": ready("AllTrafficAssigned", "IngressReady", "Ready"),
        }
        self._status(ROUTE, document, status)

    def _own_route(self, route: Document) -> str:
        target = route["spec"]["traffic"][0]
        url = f"http://{route['metadata']['name']}.{self._namespace}.svc.cluster.local"
        is_up = self._is_ready(target["revisionName"])
        status = {
            "observedGeneration": route["metadata"]["generation"],
            "traffic": [target],
            "address": {"url": url},
            "conditions": ready("AllTrafficAssigned", "Ready", status="True" if is_up else "False"),
        }
        self._status(ROUTE, route, status)
        return str(target["revisionName"])

    def _revision(self, revision: Document, wanted: Mapping[str, int]) -> None:
        name = revision["metadata"]["name"]
        image = revision["spec"]["containers"][0]["image"]
        is_up = image != NEVER_READY
        status = {
            "observedGeneration": revision["metadata"]["generation"],
            "conditions": ready("Ready", status="True" if is_up else "Unknown"),
        }
        self._status(REVISION, revision, status)
        annotations = revision["metadata"].get("annotations") or {}
        count = 0
        if name in wanted:
            count = max(wanted[name], int(annotations.get(MIN_SCALE, "0")), 1)
        service = revision["metadata"]["labels"][SERVICE_LABEL]
        self._deployment(name, service, image)
        self._pods(name, service, count, is_up=is_up)

    def _deployment(self, revision: str, service: str, image: str) -> None:
        labels = self._labels(service) | {REVISION_LABEL: revision}
        template = {"metadata": {"labels": labels}, "spec": _pod_spec(image)}
        reference = Reference(DEPLOYMENT, f"{revision}-deployment", self._namespace)
        try:
            self._cluster.get(reference)
        except NotInCluster:
            self._cluster.create(
                {
                    "apiVersion": DEPLOYMENT.api_version,
                    "kind": DEPLOYMENT.name,
                    "metadata": {"name": reference.name, "namespace": self._namespace}
                    | {"labels": labels},
                    "spec": {"selector": {"matchLabels": labels}, "template": template},
                }
            )

    def _pods(self, revision: str, service: str, count: int, *, is_up: bool) -> None:
        label = f"{REVISION_LABEL}={revision}"
        there = {
            pod["metadata"]["name"]: pod
            for pod in self._cluster.list(POD, self._namespace, labels=label)
        }
        names = [f"{revision}-{number}" for number in range(count)]
        for name in there.keys() - set(names):
            self._cluster.delete(Reference(POD, name, self._namespace))
        for name in names:
            if name not in there:
                self._pod(name, revision, service, is_up=is_up)

    def _pod(self, name: str, revision: str, service: str, *, is_up: bool) -> None:
        labels = self._labels(service) | {REVISION_LABEL: revision}
        spec = _pod_spec("good") | {"terminationGracePeriodSeconds": 0}
        self._cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": self._namespace, "labels": labels},
                "spec": spec,
            }
        )
        truth = "True" if is_up else "False"
        status: dict[str, Any] = {
            "phase": "Running",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": truth},
            ],
        }
        if address := self.address_of(revision):
            status |= {"podIP": address, "podIPs": [{"ip": address}]}
        self._cluster.patch(
            Reference(POD, name, self._namespace), {"status": status}, subresource="status"
        )

    # The API server

    def _is_ready(self, revision: str) -> bool:
        try:
            found = self._cluster.get(Reference(REVISION, revision, self._namespace))
        except NotInCluster:
            return False
        return str(found["spec"]["containers"][0]["image"]) != NEVER_READY

    def _labels(self, service: str) -> dict[str, str]:
        return {SERVICE_LABEL: service, "component": "predictor"}

    def _ensure(self, kind: Kind, name: str, service: str, spec: dict[str, Any]) -> Document:
        document = {
            "apiVersion": kind.api_version,
            "kind": kind.name,
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": self._labels(service),
            },
            "spec": spec,
        }
        return self._cluster.apply(document, force=True)

    def _status(self, kind: Kind, document: Document, status: dict[str, Any]) -> None:
        if document.get("status") == status:
            return
        reference = Reference(kind, document["metadata"]["name"], self._namespace)
        self._cluster.patch(reference, {"status": status}, subresource="status")


def _digest(template: str) -> str:
    return hashlib.sha256(template.encode()).hexdigest()[:16]


def _pod_spec(image: str) -> dict[str, Any]:
    container = {"name": "kserve-container", "image": image}
    container |= {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}  # type: ignore[dict-item]
    return {"containers": [container], "serviceAccountName": "default", "nodeName": "big"}
