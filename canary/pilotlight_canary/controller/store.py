"""InferenceRollouts in the cluster: read as they are, with the status written through its door."""

from dataclasses import dataclass

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import InferenceRolloutStatus
from pilotlight.api.stored import understood
from pilotlight.api.stored import write_status as stored_write
from pilotlight.errors import NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT


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
    return Stored(understood(InferenceRollout, document), document)


def write_status(cluster: Cluster, stored: Stored, status: InferenceRolloutStatus) -> Stored:
    """Store a status, if nobody wrote to the rollout since it was read.

    Raises:
        Conflict: Somebody did.
        ClusterError: It was not written.
    """
    document = stored_write(cluster, INFERENCE_ROLLOUT, stored.document, status)
    return (
        stored
        if document is stored.document
        else Stored(InferenceRollout.model_validate(document), document)
    )
