"""Writes that hold only for the InferenceService that a decision was made on."""

from collections.abc import Mapping
from typing import Any

from pilotlight.errors import Conflict
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import INFERENCE_SERVICE
from pilotlight_canary.observation import Service

ATTEMPTS = 4


class Fence:
    """An InferenceService that is written to only while it says what it said when observed.

    Every write carries a resourceVersion. KServe changes that often while pods come and go, by
    its own writes to the status; those do not outdate a decision, and a rollback must not wait
    for them to end. A spec of another generation does.

    Args:
        cluster: Where it is.
        service: As it was observed.
    """

    def __init__(self, cluster: Cluster, service: Service) -> None:
        self._cluster = cluster
        self._reference = Reference(INFERENCE_SERVICE, service.name, service.namespace)
        self._version = service.resource_version
        self._generation = service.generation

    def patch(self, change: Mapping[str, Any], *, subresource: str = "") -> None:
        """Merge a change into it.

        Raises:
            Conflict: It says something else by now.
        """
        for attempt in range(ATTEMPTS):
            metadata = {**(change.get("metadata") or {}), "resourceVersion": self._version}
            try:
                written = self._cluster.patch(
                    self._reference, {**change, "metadata": metadata}, subresource=subresource
                )["metadata"]
            except Conflict:
                now = self._cluster.get(self._reference)["metadata"]
                if now["generation"] != self._generation or attempt == ATTEMPTS - 1:
                    raise
                self._version = now["resourceVersion"]
            else:
                self._version = written["resourceVersion"]
                self._generation = written["generation"]
                return
