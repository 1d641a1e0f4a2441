"""A namespace of the cluster, and what tests do in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_SERVICE, NAMESPACE, POD, REVISION
from pilotlight.kube.waiting import has_condition, wait
from tests.e2e.gateway import Endpoint
from tests.e2e.local_cluster import LocalCluster
from tests.e2e.standin.service import MODEL, StandInService
from tests.e2e.waiting import until

READY_S = 60.0
ENGINE_READY_S = 240.0
# Knative's windows, so that a service goes to zero within seconds.
QUICK_TO_ZERO = {
    "autoscaling.knative.dev/window": "6s",
    "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s",
}
# A stopping pod first waits half a minute for late requests (queue-proxy's preStop).
GONE_S = 75.0


@dataclass(frozen=True)
class Workspace:
    """One namespace."""

    cluster: LocalCluster
    namespace: str

    def apply(self, documents: Iterable[Document]) -> None:
        """Apply documents here."""
        for document in documents:
            placed = {**document, "metadata": {**document["metadata"], "namespace": self.namespace}}
            self.cluster.api.apply(placed, force=True)

    def deploy(self, service: StandInService, timeout_s: float = READY_S) -> Endpoint:
        """Apply a stand-in and wait until it is ready."""
        self.apply(service.manifests())
        return self.endpoint(service.name, MODEL, timeout_s)

    def endpoint(self, name: str, model: str, timeout_s: float) -> Endpoint:
        """An InferenceService, once it is ready, behind the gateway."""
        reference = self.reference(name)
        ready = wait(self.cluster.api, reference, has_condition("Ready"), timeout_s=timeout_s)
        host = urlsplit(ready["status"]["url"]).hostname
        assert host, ready["status"]
        return Endpoint(self.cluster.gateway, host, model)

    def reference(self, name: str) -> Reference:
        """An InferenceService here."""
        return Reference(INFERENCE_SERVICE, name, self.namespace)

    def patch(self, name: str, change: dict[str, Any]) -> None:
        """Change an InferenceService."""
        self.cluster.api.patch(self.reference(name), change)

    def latest_revision(self, name: str) -> str:
        """The newest revision that is ready."""
        status = self.cluster.api.get(self.reference(name))["status"]
        return str(status["components"]["predictor"]["latestReadyRevision"])

    def annotate_revision(self, revision: str, annotations: dict[str, str]) -> None:
        """Write annotations on a revision."""
        reference = Reference(REVISION, revision, self.namespace)
        self.cluster.api.patch(reference, {"metadata": {"annotations": annotations}})

    def pods(self, name: str, *, leaving: bool = True) -> list[Document]:
        """The pods of an InferenceService; ``leaving``: also those that are being deleted."""
        labels = f"serving.kserve.io/inferenceservice={name}"
        pods = self.cluster.api.list(POD, self.namespace, labels=labels)
        return [pod for pod in pods if leaving or "deletionTimestamp" not in pod["metadata"]]

    def wait_pods(self, name: str, count: int, timeout_s: float) -> list[str]:
        """Wait for exactly so many ready pods that stay; their names."""

        def look() -> list[str] | None:
            staying = self.pods(name, leaving=False)
            ready = [pod["metadata"]["name"] for pod in staying if is_ready(pod)]
            return ready if len(ready) == len(staying) == count else None

        if count:
            return until(f"{count} ready pods of {name}", look, timeout_s)
        until(f"no pod of {name}", lambda: not self.pods(name), timeout_s)
        return []

    def delete_pod(self, name: str) -> None:
        """Delete a pod as a drain of its node would, with its time to stop."""
        self.cluster.api.delete(Reference(POD, name, self.namespace))

    def delete(self) -> None:
        """Remove the namespace with all that is in it; does not wait."""
        self.cluster.api.delete(Reference(NAMESPACE, self.namespace))


def is_ready(pod: Document) -> bool:
    """Whether a pod is ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
