"""Objects of our own kinds in the cluster: read with their types, their status written."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pilotlight.errors import ManifestError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.merge import merge_patch

Model = TypeVar("Model", bound=BaseModel)
MOST_FAULTS = 5


def understood(model: type[Model], document: Document) -> Model:
    """An object as it was read.

    Raises:
        ManifestError: It cannot be understood; the message says why.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        metadata = document["metadata"]
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()[:MOST_FAULTS]
        )
        who = f"{model.__name__} {metadata.get('namespace')}/{metadata['name']}"
        raise ManifestError(f"{who}: {faults}") from error


def write_status(cluster: Cluster, kind: Kind, document: Document, status: BaseModel) -> Document:
    """Store a status, if nobody wrote to the object since it was read.

    Returns:
        The object as it is now; the same one if there was nothing to write.

    Raises:
        Conflict: Somebody wrote to it.
        ClusterError: It was not written.
    """
    after = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    change = merge_patch(document.get("status") or {}, after)
    if not change:
        return document
    metadata = document["metadata"]
    return cluster.patch(
        Reference(kind, metadata["name"], metadata["namespace"]),
        {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": change},
        subresource="status",
    )
