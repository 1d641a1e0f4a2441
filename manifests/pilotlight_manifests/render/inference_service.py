"""The InferenceService."""

from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import is_knative
from pilotlight_manifests.render.predictor import predictor
from pilotlight_manifests.render.scaling import service_annotations
from pilotlight_manifests.render.transformer import transformer
from pilotlight_manifests.spec.served_model import ServedModel

_VISIBILITY = {True: "networking.knative.dev/visibility", False: "networking.kserve.io/visibility"}


def inference_service(spec: ServedModel) -> Manifest:
    """KServe's object for a served model."""
    labels = dict(spec.labels)
    if spec.access.cluster_local:
        labels[_VISIBILITY[is_knative(spec)]] = "cluster-local"
    parts: Manifest = {"predictor": predictor(spec)}
    if spec.transformer is not None:
        parts["transformer"] = transformer(spec, spec.transformer)
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": without_absent(
            {
                "name": spec.name,
                "namespace": spec.namespace,
                "labels": labels,
                "annotations": service_annotations(spec),
            }
        ),
        "spec": parts,
    }
