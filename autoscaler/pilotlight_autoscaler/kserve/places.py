"""Where a minimum is written for services without Knative, and what it is now.

KServe 0.20 makes a HorizontalPodAutoscaler or, with ``autoscalerClass: keda``, a ScaledObject from
``minReplicas``, owns it, and writes it anew whenever it differs (``reconcilers/hpa``,
``reconcilers/keda``): there the lever is KServe's own field. The HPA's minimum it keeps at 1 at
least; a ScaledObject's may be 0. Neither is in the pods' template: no rollout follows. With
``none`` it gives the Deployment exactly ``minReplicas``, 0 too (``reconcilers/deployment``). With
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
HPA, KEDA, NONE, EXTERNAL = "hpa", "keda", "none", "external"
KEDA_CEILING = 100
"""KEDA's default of ``maxReplicaCount``."""


@dataclass(frozen=True)
class Place:
    """One object that says how few replicas a Deployment has.

    Args:
        name: Of the Deployment: claims go by it.
        active: Whether it holds the Deployment's minimum as things are now.
        document: The object.
        reference: Which it is.
        minimum: What it says; ``None``: nothing.
        ceiling: The most replicas; ``None``: no bound.
        default: What it means to say nothing.
        idle: KEDA's ``idleReplicaCount``: so few, under the minimum, are left without work.
        is_keda: Whether KEDA scales it.
        least: What becomes of a minimum under it.
    """

    name: str
    document: Document
    reference: Reference
    minimum: int | None
    ceiling: int | None
    default: int
    idle: int | None = None
    is_keda: bool = False
    least: int = 0
    active: bool = True

    @property
    def key(self) -> str:
        """Tells it from the other places of a namespace."""
        return f"{self.reference.kind.name}/{self.reference.name}"

    @property
    def now(self) -> int:
        """So many replicas there are at least, as it stands."""
        return self.said(self.minimum, self.idle)

    def said(self, minimum: int | None, idle: int | None) -> int:
        """So many there are at least, if it says this."""
        found = self.default if minimum is None else minimum
        found = found if idle is None else min(idle, found)
        return max(self.least, found)

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
    """Where a service's minimum is held; ``None``: nobody that we know scales it.

    Args:
        service: An InferenceService in Standard mode.
        scaled_objects: Of its namespace.
    """
    found = places([service], scaled_objects)
    return next((place for place in found if place.active), None)


def places(services: Iterable[Document], scaled_objects: Iterable[Document]) -> list[Place]:
    """Every place of a namespace, those included that hold nothing any more.

    Args:
        services: InferenceServices in Standard mode.
        scaled_objects: KServe's and users' own.
    """
    found = [_field(service) for service in services]
    external = {place.name for place in found if not place.active}
    for document in scaled_objects:
        target = (document.get("spec") or {}).get("scaleTargetRef") or {}
        is_deployment = target.get("kind", "Deployment") == "Deployment"
        if is_deployment and not document["metadata"].get("deletionTimestamp"):
            name = target.get("name", "")
            found.append(_scaled(name, document, active=name in external))
            external.discard(name)
    return found


def _field(service: Document) -> Place:
    metadata = service["metadata"]
    predictor: Mapping[str, Any] = service["spec"].get(PREDICTOR) or {}
    scaler = annotations(service).get(AUTOSCALER, HPA)
    return Place(
        name=deployment_of(service),
        document=service,
        reference=Reference(INFERENCE_SERVICE, metadata["name"], metadata["namespace"]),
        minimum=predictor.get("minReplicas"),
        ceiling=predictor.get("maxReplicas") or None,
        default=1,
        is_keda=scaler == KEDA,
        least=0 if scaler in (KEDA, NONE) else 1,
        active=scaler != EXTERNAL,
    )


def _scaled(name: str, document: Document, *, active: bool) -> Place:
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
        active=active,
    )
