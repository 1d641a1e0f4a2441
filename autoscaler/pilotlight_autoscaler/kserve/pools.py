"""WarmPools in the cluster: what keeps them until they hold nothing, and their end."""

from collections.abc import Sequence

from pilotlight.errors import NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import WARM_POOL
from pilotlight_autoscaler.kserve.act import Target

FINALIZER = "pilotlight.dev/warm-pool"
"""Keeps a deleted pool until what it held is given back."""


def keep_until_released(cluster: Cluster, document: Document) -> Document:
    """Put our finalizer on a pool that is to hold something."""
    metadata = document["metadata"]
    present = metadata.get("finalizers") or []
    if FINALIZER in present or metadata.get("deletionTimestamp"):
        return document
    return _finalizers(cluster, document, [*present, FINALIZER])


def release(cluster: Cluster, target: Target, document: Document) -> None:
    """Give back what a pool held that is being deleted, and let it go.

    Raises:
        ClusterError: It could not be given back: the pool stays until it can.
    """
    metadata = document["metadata"]
    target.settle(metadata["namespace"])
    left = [name for name in metadata.get("finalizers") or [] if name != FINALIZER]
    if len(left) < len(metadata.get("finalizers") or []):
        try:
            _finalizers(cluster, document, left)
        except NotInCluster:
            return


def release_all(cluster: Cluster, target: Target) -> Sequence[str]:
    """Before Pilotlight is removed: every pool claims nothing, and nothing is held any more.

    Pools whose controller still runs claim again at its next look.

    Returns:
        The namespaces in which there were pools.
    """
    namespaces = []
    for document in cluster.list(WARM_POOL):
        metadata = document["metadata"]
        reference = Reference(WARM_POOL, metadata["name"], metadata["namespace"])
        namespaces.append(metadata["namespace"])
        if (document.get("status") or {}).get("floors"):
            cluster.patch(reference, {"status": {"floors": []}}, subresource="status")
        if FINALIZER in (metadata.get("finalizers") or []):
            left = [name for name in metadata["finalizers"] if name != FINALIZER]
            cluster.patch(reference, {"metadata": {"finalizers": left}})
    found = sorted(set(namespaces))
    for namespace in found:
        target.settle(namespace)
    return found


def _finalizers(cluster: Cluster, document: Document, names: list[str]) -> Document:
    metadata = document["metadata"]
    change = {"resourceVersion": metadata["resourceVersion"], "finalizers": names}
    return cluster.patch(
        Reference(WARM_POOL, metadata["name"], metadata["namespace"]), {"metadata": change}
    )
