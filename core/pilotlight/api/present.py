"""Objects of our own kinds, as a person asks for them: absent ones are explained."""

from pilotlight.errors import NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Kind, Reference

INSTALL = "kubectl apply -k manifests/controller (docs/gitops.md)"


def installed(cluster: Cluster, kind: Kind) -> None:
    """Nothing, if the cluster serves the kind.

    Raises:
        NotInCluster: It does not.
    """
    if not cluster.serves(kind):
        raise NotInCluster(
            f"the cluster {cluster.server} has no {kind.name}s: install them and their "
            f"controller with {INSTALL}"
        )


def all_of(cluster: Cluster, kind: Kind, namespace: str | None) -> list[Document]:
    """All objects of a kind in a namespace, or in all.

    Raises:
        NotInCluster: The cluster does not know the kind.
    """
    installed(cluster, kind)
    return list(cluster.list(kind, namespace))


def one_of(cluster: Cluster, kind: Kind, name: str, namespace: str, listing: str) -> Document:
    """One object.

    Args:
        cluster: Where it is.
        kind: Of the object.
        name: Of the object.
        namespace: Of the object.
        listing: The command that lists those of all namespaces.

    Raises:
        NotInCluster: There is none; the message names those that there are.
    """
    installed(cluster, kind)
    try:
        return cluster.get(Reference(kind, name, namespace))
    except NotInCluster as error:
        others = sorted(found["metadata"]["name"] for found in cluster.list(kind, namespace))
        listed = f"there are {', '.join(others)}" if others else "there is none in this namespace"
        raise NotInCluster(
            f"no {kind.name} {name} in namespace {namespace}: {listed}. "
            f"In another one? -n NAMESPACE; all of them: {listing}"
        ) from error
