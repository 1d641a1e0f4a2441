"""InferenceRollouts in the cluster: read as they are, with the status written through its door."""

from dataclasses import dataclass

from pydantic import ValidationError

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import InferenceRolloutStatus
from pilotlight.errors import ManifestError, NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT
from pilotlight.kube.merge import merge_patch


@dataclass(frozen=True)
class Stored:
    """A rollout as it was read.

    Args:
        rollout: Its values.
        document: The same as the API server has it.
    """

    rollout: InferenceRollout
    document: Document

    @property
    def version(self) -> str:
        """``resourceVersion``: a write on another one is refused."""
        return str(self.document["metadata"]["resourceVersion"])

    @property
    def status(self) -> InferenceRolloutStatus:
        return self.rollout.status


def read(cluster: Cluster, namespace: str, name: str) -> Stored | None:
    """A rollout; ``None`` if there is none any more.

    Raises:
        ManifestError: It cannot be understood; the message says why.
        ClusterError: It could not be read.
    """
    try:
        document = cluster.get(Reference(INFERENCE_ROLLOUT, name, namespace))
    except NotInCluster:
        return None
    try:
        return Stored(InferenceRollout.model_validate(document), document)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()[:5]
        )
        raise ManifestError(f"InferenceRollout {namespace}/{name}: {faults}") from error


def write_status(cluster: Cluster, stored: Stored, status: InferenceRolloutStatus) -> Stored:
    """Store a status, if nobody wrote to the rollout since it was read.

    Raises:
        Conflict: Somebody did.
        ClusterError: It was not written.
    """
    before = stored.document.get("status") or {}
    after = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    change = merge_patch(before, after)
    if not change:
        return stored
    metadata = stored.document["metadata"]
    document = cluster.patch(
        Reference(INFERENCE_ROLLOUT, metadata["name"], metadata["namespace"]),
        {"metadata": {"resourceVersion": stored.version}, "status": change},
        subresource="status",
    )
    return Stored(InferenceRollout.model_validate(document), document)
