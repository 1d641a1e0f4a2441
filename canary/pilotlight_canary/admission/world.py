"""What the answers depend on besides the write itself, read when it is asked for."""

from collections.abc import Iterator, Sequence

from pilotlight.errors import AccessDenied, NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE
from pilotlight_canary.admission.propagation import (
    DEFAULT,
    SETTINGS,
    Propagation,
    propagation_of,
)


class World:
    """A view of the cluster for one answer: nothing is remembered, and so nothing is stale.

    All methods may raise ``ClusterError``; a webhook that cannot see answers with an error, and
    the write is refused where ``failurePolicy`` says so.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def rollouts(self, namespace: str | None, target: str = "") -> Sequence[Document]:
        """InferenceRollouts that are not being deleted, the oldest first.

        Args:
            namespace: ``None``: of all.
            target: Only those of this InferenceService.
        """
        try:
            found = self._cluster.list(INFERENCE_ROLLOUT, namespace)
        except NotInCluster:
            return ()
        kept = (d for d in found if "deletionTimestamp" not in d["metadata"])
        return sorted(
            (d for d in kept if not target or target_of(d) == target),
            key=lambda d: (d["metadata"].get("creationTimestamp") or "", d["metadata"]["name"]),
        )

    def service(self, namespace: str, name: str) -> Document | None:
        """The InferenceService, if there is one."""
        try:
            return self._cluster.get(Reference(INFERENCE_SERVICE, name, namespace))
        except NotInCluster:
            return None

    def enrolled(self, namespace: str | None) -> Iterator[tuple[Document, Document]]:
        """Every InferenceRollout with the InferenceService that it targets."""
        for rollout in self.rollouts(namespace):
            service = self.service(rollout["metadata"]["namespace"], target_of(rollout))
            if service is not None:
                yield rollout, service

    def propagation(self) -> Propagation:
        """What of an InferenceService's metadata reaches its templates here."""
        try:
            return propagation_of(self._cluster.get(SETTINGS))
        except NotInCluster:
            return DEFAULT

    def document(self, reference: Reference) -> Document | None:
        """Any object; ``None``: there is none, or it may not be seen."""
        try:
            return self._cluster.get(reference)
        except (NotInCluster, AccessDenied):
            return None


def target_of(rollout: Document) -> str:
    """The InferenceService's name."""
    return str(((rollout.get("spec") or {}).get("targetRef") or {}).get("name") or "")
