"""Kubernetes Events, one for the same thing said again: its count rises."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from pilotlight.announcement import Announcement
from pilotlight.clock import Clock
from pilotlight.errors import Conflict
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import EVENT

LONGEST_MESSAGE = 1024
LONGEST_PREFIX = 200


@dataclass(frozen=True)
class Recorder:
    """Writes Events about objects.

    Args:
        cluster: Where to.
        component: Name of this kind of process.
        instance: Name of this process.
        clock: The time of the events.
    """

    cluster: Cluster
    component: str
    instance: str
    clock: Clock

    def record(self, about: Document, announcement: Announcement) -> None:
        """Say something about an object.

        Raises:
            ClusterError: It was not written.
        """
        document = self._event(about, announcement)
        try:
            self.cluster.create(document)
        except Conflict:
            self._count(document)

    def _count(self, document: Document) -> None:
        metadata = document["metadata"]
        reference = Reference(EVENT, metadata["name"], metadata["namespace"])
        known = self.cluster.get(reference)
        version = {"resourceVersion": known["metadata"]["resourceVersion"]}
        count = int(known.get("count") or 1) + 1
        change = {"metadata": version, "count": count, "lastTimestamp": document["lastTimestamp"]}
        self.cluster.patch(reference, change)

    def _event(self, about: Document, announcement: Announcement) -> Document:
        metadata = about["metadata"]
        message = announcement.message[:LONGEST_MESSAGE]
        now = datetime.fromtimestamp(self.clock.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.name,
            "metadata": {
                "name": _name(metadata, announcement.reason, message),
                "namespace": metadata["namespace"],
            },
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            "reason": announcement.reason,
            "message": message,
            "type": announcement.severity.value,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": self.component},
            "reportingComponent": self.component,
            "reportingInstance": self.instance,
        }


def _name(metadata: Document, reason: str, message: str) -> str:
    said = "\n".join((metadata["uid"], reason, message))
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    return f"{metadata['name'][:LONGEST_PREFIX]}.{digest}"
