"""InferenceRollout and WarmPool, for Pilotlight's controllers."""

from pilotlight.api.meta import API_VERSION
from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.warmpool import WarmPoolPolicy
from pilotlight_manifests.render.document import Manifest
from pilotlight_manifests.render.names import metadata
from pilotlight_manifests.spec.served_model import ServedModel


def pilotlight_resource(
    spec: ServedModel, kind: str, policy: RolloutPolicy | WarmPoolPolicy
) -> Manifest:
    """The resource of a policy: what was said, and nothing of the defaults."""
    said = policy.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": metadata(spec, spec.name),
        "spec": {"targetRef": {"name": spec.name}, **said},
    }
