"""Where Knative's activators and autoscalers tell their figures."""

from dataclasses import dataclass

from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import POD

LABELS = "app in (activator,autoscaler)"


@dataclass(frozen=True)
class Place:
    """An address that answers in Prometheus' text format."""

    address: str
    port: int
    path: str = "/metrics"

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}{self.path}"


def places(cluster: Cluster, namespace: str, port: int) -> list[Place]:
    """All running activators and autoscalers.

    Raises:
        ClusterError: They cannot be listed.
    """
    found = cluster.list(POD, namespace, labels=LABELS)
    return [Place(address, port) for pod in found if (address := address_of(pod))]


def address_of(pod: Document) -> str:
    """Of a pod that runs, as a URL has it; empty: none."""
    status = pod.get("status") or {}
    address = status.get("podIP") or ""
    if status.get("phase") != "Running":
        return ""
    return f"[{address}]" if ":" in address else str(address)
