"""A namespace with a service, its warm pools, and what a test does to them."""

from dataclasses import dataclass
from typing import Any

from pilotlight.api.meta import FloorClaim
from pilotlight.api.stored import write_status
from pilotlight.api.warmpool import WarmPoolStatus
from pilotlight.clock import SimulatedClock
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    INFERENCE_SERVICE,
    REVISION,
    ROUTE,
    WARM_POOL,
)
from pilotlight_autoscaler.kserve.act import all_targets
from pilotlight_autoscaler.kserve.observe import Observer, Seen

SERVICE = "chat"
FIRST, SECOND = "chat-predictor-00001", "chat-predictor-00002"
DEPLOYED = "chat-predictor"
MIN_SCALE = "autoscaling.knative.dev/min-scale"
NOW = 4_000_000_000.0
OWN = {"serving.kserve.io/inferenceservice": SERVICE, "component": "predictor"}
CONTAINER = {"name": "kserve-container", "image": "x"}


@dataclass
class Place:
    """Where it all happens."""

    cluster: ApiServer
    namespace: str

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(NOW)
        self.targets = all_targets(self.cluster, self.clock)
        self.observer = Observer(self.cluster, self.clock)

    def create(self, kind: Kind, name: str, spec: dict[str, Any], **metadata: Any) -> Document:
        return self.cluster.create(
            {
                "apiVersion": kind.api_version,
                "kind": kind.name,
                "metadata": {"name": name, "namespace": self.namespace} | metadata,
                "spec": spec,
            }
        )

    def service(self, mode: str = "Knative", scaler: str = "", **predictor: Any) -> None:
        """An InferenceService as its author wrote it, and as KServe has taken it."""
        told = {"serving.kserve.io/autoscalerClass": scaler} if scaler else {}
        spec = {"predictor": {"containers": [CONTAINER]} | predictor}
        self.create(INFERENCE_SERVICE, SERVICE, spec, annotations=told)
        self.status(INFERENCE_SERVICE, SERVICE, {"deploymentMode": mode})

    def on_knative(self, *revisions: str, minimum: str | None = "0") -> None:
        """A service with revisions of which the first has all of the traffic."""
        self.service()
        told = {} if minimum is None else {MIN_SCALE: minimum}
        for name in revisions:
            self.create(REVISION, name, {"containers": [CONTAINER]}, labels=OWN, annotations=told)
        self.create(
            ROUTE,
            DEPLOYED,
            {"traffic": [{"revisionName": revisions[0], "percent": 100}]},
            labels=OWN,
        )
        moment = "2026-01-01T00:00:00Z"
        conditions = [
            {"type": type_, "status": "True", "lastTransitionTime": moment}
            for type_ in ("Ready", "AllTrafficAssigned")
        ]
        traffic = [{"revisionName": revisions[0], "percent": 100, "latestRevision": False}]
        self.status(ROUTE, DEPLOYED, {"traffic": traffic, "conditions": conditions})

    def deployment(self) -> None:
        """What KServe makes of a service without Knative."""
        template = {
            "metadata": {"labels": {"app": "chat"}},
            "spec": {"containers": [CONTAINER | {"resources": {"limits": {"nvidia.com/gpu": 1}}}]},
        }
        spec = {"selector": {"matchLabels": {"app": "chat"}}, "template": template}
        self.create(DEPLOYMENT, DEPLOYED, spec, labels=OWN)

    def pool(self, name: str = "pool") -> None:
        self.create(WARM_POOL, name, {"targetRef": {"name": SERVICE}})

    def claim(self, replicas: int, of: str, pool: str = "pool", **claim: Any) -> None:
        """As a controller does it: the status first, then the levers."""
        claims = (FloorClaim(revision=of, replicas=replicas, **claim),)
        document = self.get(WARM_POOL, pool)
        write_status(
            self.cluster, WARM_POOL, document, WarmPoolStatus(floor=replicas, floors=claims)
        )
        self.settle()

    def settle(self) -> None:
        self.targets.settle(self.namespace)

    def seen(self) -> Seen:
        return self.observer.look(self.namespace, {SERVICE})[SERVICE]

    def get(self, kind: Kind, name: str) -> Document:
        return self.cluster.get(Reference(kind, name, self.namespace))

    def patch(self, kind: Kind, name: str, change: dict[str, Any]) -> None:
        self.cluster.patch(Reference(kind, name, self.namespace), change)

    def status(self, kind: Kind, name: str, status: dict[str, Any]) -> None:
        reference = Reference(kind, name, self.namespace)
        self.cluster.patch(reference, {"status": status}, subresource="status")

    def delete(self, kind: Kind, name: str) -> None:
        self.cluster.delete(Reference(kind, name, self.namespace))

    def floor(self, revision: str = FIRST) -> str | None:
        found = self.get(REVISION, revision)["metadata"].get("annotations") or {}
        value: str | None = found.get(MIN_SCALE)
        return value

    def minimum(self) -> int | None:
        value: int | None = self.get(INFERENCE_SERVICE, SERVICE)["spec"]["predictor"].get(
            "minReplicas"
        )
        return value

    def records(self) -> set[str]:
        """ConfigMaps of ours that are left."""
        found = self.cluster.list(CONFIG_MAP, self.namespace)
        names = {document["metadata"]["name"] for document in found}
        return {name for name in names if name.startswith("pilotlight-")}
