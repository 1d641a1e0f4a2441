"""Where a minimum is written for services without Knative, and what it is now.

KServe 0.20 makes a HorizontalPodAutoscaler or, with ``autoscalerClass: keda``, a ScaledObject from
``minReplicas``, owns it, and writes it anew whenever it differs (``reconcilers/hpa``,
``reconcilers/keda``): there the lever is KServe's own field. The HPA's minimum it keeps at 1 at
least; a ScaledObject's may be 0. Neither is in the pods' template: no rollout follows. With
``external`` KServe leaves scaling to somebody else: a ScaledObject of the user's own, which
nobody rewrites.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pilotlight.kserve.names import annotations
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_SERVICE, SCALED_OBJECT
from pilotlight_autoscaler.observation import PREDICTOR

AUTOSCALER = "serving.kserve.io/autoscalerClass"
HPA, KEDA, EXTERNAL = "hpa", "keda", "external"
KEDA_CEILING = 100
"""KEDA's default of ``maxReplicaCount``."""


@dataclass(frozen=True)
class Place:
    """One object that says how few replicas a Deployment has.

    Args:
        name: Of the Deployment: claims go by it.
        document: The object.
        reference: Which it is.
        minimum: What it says; ``None``: nothing.
        ceiling: The most replicas; ``None``: no bound.
        default: What it means to say nothing.
        idle: KEDA's ``idleReplicaCount``: so few, under the minimum, are left without work.
        is_keda: Whether KEDA scales it.
    """

    name: str
    document: Document
    reference: Reference
    minimum: int | None
    ceiling: int | None
    default: int
    idle: int | None = None
    is_keda: bool = False

    @property
    def now(self) -> int:
        """So many replicas there are at least, as it stands."""
        return self.said(self.minimum, self.idle)

    def said(self, minimum: int | None, idle: int | None) -> int:
        """So many there are at least, if it says this."""
        found = self.default if minimum is None else minimum
        found = found if idle is None else min(idle, found)
        return found if self.is_keda else max(1, found)

    def change(self, minimum: int | None, idle: int | None) -> dict[str, Any]:
        """A merge patch that makes it say something else."""
        if self.reference.kind == INFERENCE_SERVICE:
            return {"spec": {PREDICTOR: {"minReplicas": minimum}}}
        spec = {"minReplicaCount": minimum}
        return {"spec": spec if idle == self.idle else spec | {"idleReplicaCount": idle}}


def deployment_of(service: Document) -> str:
    """The name of the predictor's Deployment (``PredictorServiceName`` in ``pkg/constants``)."""
    metadata, predictor = service["metadata"], service["spec"].get(PREDICTOR) or {}
    middle = f"-{predictor['name']}" if predictor.get("name") else ""
    return f"{metadata['name']}{middle}-{PREDICTOR}"


def place_of(service: Document, scaled_objects: Iterable[Document]) -> Place | None:
    """Where a service's minimum is written; ``None``: nobody that we know scales it.

    Args:
        service: An InferenceService in Standard mode.
        scaled_objects: Of its namespace.
    """
    name, metadata = deployment_of(service), service["metadata"]
    predictor: Mapping[str, Any] = service["spec"].get(PREDICTOR) or {}
    scaler = annotations(service).get(AUTOSCALER, HPA)
    if scaler == EXTERNAL:
        return next((_scaled(name, one) for one in scaled_objects if _scales(one, name)), None)
    minimum = predictor.get("minReplicas")
    return Place(
        name=name,
        document=service,
        reference=Reference(INFERENCE_SERVICE, metadata["name"], metadata["namespace"]),
        minimum=minimum,
        ceiling=predictor.get("maxReplicas") or None,
        default=1,
        is_keda=scaler == KEDA,
    )


def _scaled(name: str, document: Document) -> Place:
    spec, metadata = document["spec"], document["metadata"]
    return Place(
        name=name,
        document=document,
        reference=Reference(SCALED_OBJECT, metadata["name"], metadata["namespace"]),
        minimum=spec.get("minReplicaCount"),
        ceiling=spec.get("maxReplicaCount", KEDA_CEILING),
        default=0,
        idle=spec.get("idleReplicaCount"),
        is_keda=True,
    )


def _scales(document: Document, name: str) -> bool:
    target = (document.get("spec") or {}).get("scaleTargetRef") or {}
    is_ours = target.get("kind", "Deployment") == "Deployment" and target.get("name") == name
    return is_ours and not document["metadata"].get("deletionTimestamp")
