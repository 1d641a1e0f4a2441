"""What minimums said before anybody claimed a floor, and what was written there since.

In a ConfigMap, as the originals of revisions are (``pilotlight.floors.book``): an annotation on an
InferenceService would reach its pods and restart them. Here people write, too: what is found is
told from what was written, and who writes in between is not overruled when a claim ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from pilotlight.errors import NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP

NAME = "pilotlight-minimums"
KEY = "minimums"


@dataclass(frozen=True)
class Note:
    """One place's minimum.

    Args:
        minimum: To go back to; ``None``: it said nothing.
        idle: KEDA's ``idleReplicaCount``, the same way.
        written: What we wrote instead; while a write is under way also what we wrote before.
    """

    minimum: int | None
    idle: int | None
    written: tuple[int, ...]


@dataclass(frozen=True)
class Notes:
    """What is written down, and in which version of the ConfigMap; empty: there is none."""

    by_place: Mapping[str, Note]
    """By the places' keys."""
    version: str = ""


_NOTES: TypeAdapter[dict[str, Note]] = TypeAdapter(dict[str, Note])


def read(cluster: Cluster, namespace: str) -> Notes:
    """The namespace's notes; damaged ones are none: then what there is, is what was before."""
    try:
        document = cluster.get(Reference(CONFIG_MAP, NAME, namespace))
    except NotInCluster:
        return Notes({})
    try:
        found = _NOTES.validate_json((document.get("data") or {}).get(KEY) or "{}")
    except ValidationError:
        found = {}
    return Notes(found, document["metadata"]["resourceVersion"])


def write(cluster: Cluster, namespace: str, notes: Notes, then: Mapping[str, Note]) -> Notes:
    """Replace what is written down, if it differs; without any notes the ConfigMap goes away.

    Raises:
        Conflict: Somebody else has written there since it was read.
    """
    if dict(then) == dict(notes.by_place) and (then or not notes.version):
        return notes
    reference = Reference(CONFIG_MAP, NAME, namespace)
    if not then:
        cluster.delete(reference)
        return Notes({})
    data = {KEY: _NOTES.dump_json(dict(sorted(then.items()))).decode()}
    if notes.version:
        change = {"metadata": {"resourceVersion": notes.version}, "data": data}
        written = cluster.patch(reference, change)
    else:
        metadata = {"name": NAME, "namespace": namespace}
        written = cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        )
    return Notes(dict(then), written["metadata"]["resourceVersion"])
