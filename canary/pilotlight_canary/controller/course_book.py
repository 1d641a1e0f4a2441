"""The ConfigMap with a rollout's course, for ``pilotlight rollout plot``."""

from datetime import datetime

from pilotlight.errors import NotInCluster
from pilotlight.kserve.names import fitting
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import CONFIG_MAP
from pilotlight_canary.controller.store import Stored
from pilotlight_canary.kserve.names import ROLLOUT
from pilotlight_canary.timeline import name_of, record


def write_course(cluster: Cluster, stored: Stored, at: datetime) -> None:
    """Add the rollout's present state to its course.

    Raises:
        ClusterError: It was not written.
    """
    metadata = stored.document["metadata"]
    reference = Reference(CONFIG_MAP, name_of(metadata["name"]), metadata["namespace"])
    try:
        before = cluster.get(reference).get("data") or {}
    except NotInCluster:
        before = {}
    data = record(before, stored.rollout, at)
    if data != before:
        cluster.apply(_config_map(reference, stored.document, data), force=True)


def _config_map(reference: Reference, rollout: Document, data: dict[str, str]) -> Document:
    owner = {
        "apiVersion": rollout["apiVersion"],
        "kind": rollout["kind"],
        "name": rollout["metadata"]["name"],
        "uid": rollout["metadata"]["uid"],
    }
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": {
            "name": reference.name,
            "namespace": reference.namespace,
            "labels": {ROLLOUT: fitting(rollout["metadata"]["name"])},
            "ownerReferences": [owner],
        },
        "data": data,
    }
