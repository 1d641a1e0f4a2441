"""The account that pods run under, and the Secrets that it names."""

from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import metadata
from pilotlight_manifests.spec.served_model import ServedModel


def service_account(spec: ServedModel) -> Manifest:
    """An account with no rights in the cluster; KServe's storage initializer reads its Secrets."""
    secrets = [{"name": spec.model.secret}] if spec.model.secret else []
    annotations = without_absent({"annotations": dict(spec.model.service_account_annotations)})
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(spec, spec.name) | annotations,
        "automountServiceAccountToken": False,
        **without_absent({"secrets": secrets}),
    }
