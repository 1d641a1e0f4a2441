"""Which labels and annotations of an InferenceService KServe does not carry into a template.

All others make a new revision when they change (KServe 0.20, ``pkg/constants/constants.go`` and
``NewInferenceServicesConfig``).
"""

import json
from dataclasses import dataclass

from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import CONFIG_MAP

SETTINGS = Reference(CONFIG_MAP, "inferenceservice-config", "kserve")
KEY = "inferenceService"

ANNOTATIONS = frozenset(
    {
        "autoscaling.knative.dev/min-scale",
        "autoscaling.knative.dev/max-scale",
        "internal.serving.kserve.io/storage-initializer-sourceuri",
        "kubectl.kubernetes.io/last-applied-configuration",
        "modelFormat",
        # These two go to the Knative service, and not to its template.
        "serving.knative.dev/rollout-duration",
        "serving.knative.openshift.io/enablePassthrough",
    }
)
LABELS = frozenset({"networking.knative.dev/visibility"})


@dataclass(frozen=True)
class Propagation:
    """Keys that stay behind; a cluster's administrator may have added some."""

    left_annotations: frozenset[str] = ANNOTATIONS
    left_labels: frozenset[str] = LABELS


DEFAULT = Propagation()


def propagation_of(settings: Document) -> Propagation:
    """What KServe's ConfigMap ``inferenceservice-config`` adds to its own lists.

    Raises:
        ValueError: KServe could not read it either.
    """
    text = (settings.get("data") or {}).get(KEY) or "{}"
    values = json.loads(text)
    return Propagation(
        ANNOTATIONS | frozenset(values.get("serviceAnnotationDisallowedList") or ()),
        LABELS | frozenset(values.get("serviceLabelDisallowedList") or ()),
    )
