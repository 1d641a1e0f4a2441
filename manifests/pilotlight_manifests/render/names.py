"""Names and labels by which the objects of one served model find each other."""

from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.spec.served_model import Mode, ServedModel

SERVICE_LABEL = "serving.kserve.io/inferenceservice"
COMPONENT_LABEL = "component"
"""KServe's labels of a pod (``pkg/constants/constants.go``)."""

HTTP_PORT = 8080
GRPC_PORT = 8081
PORT_NAME = "http1"
CONTAINER = "kserve-container"
WORKER_CONTAINER = "worker-container"

PREDICTOR = "predictor"
TRANSFORMER = "transformer"


def metadata(spec: ServedModel, name: str) -> Manifest:
    """Metadata of an object beside the InferenceService."""
    labels = {**spec.labels, SERVICE_LABEL: spec.name}
    return without_absent({"name": name, "namespace": spec.namespace, "labels": labels})


def pod_labels(spec: ServedModel, component: str) -> dict[str, str]:
    """Labels that select the pods of a component."""
    return {SERVICE_LABEL: spec.name, COMPONENT_LABEL: component}


def components(spec: ServedModel) -> tuple[str, ...]:
    """The components that a served model has."""
    return (PREDICTOR, TRANSFORMER) if spec.transformer else (PREDICTOR,)


def is_knative(spec: ServedModel) -> bool:
    return spec.mode is Mode.KNATIVE
