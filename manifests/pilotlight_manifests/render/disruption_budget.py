"""The PodDisruptionBudget."""

from pilotlight_manifests.render.document import Manifest
from pilotlight_manifests.render.names import metadata, pod_labels
from pilotlight_manifests.spec.served_model import ServedModel


def disruption_budget(spec: ServedModel, component: str) -> Manifest:
    """So many pods may be away at a time; a single warm pod may always be moved."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(spec, f"{spec.name}-{component}"),
        "spec": {
            "maxUnavailable": spec.disruption.max_unavailable,
            "selector": {"matchLabels": pod_labels(spec, component)},
        },
    }
