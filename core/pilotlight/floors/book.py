"""The minimums that revisions had before anybody claimed a floor: kept in a ConfigMap.

On the Revision itself there is no room for them (an annotation of ours would reach its pods'
template and restart them), and each claimant's own record would hold what another had written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pilotlight.errors import NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP

NAME = "pilotlight-floors"
KEY = "originals"


@dataclass(frozen=True)
class Book:
    """What is written down, and in which version of the ConfigMap; empty: there is none."""

    originals: Mapping[str, int | None]
    version: str = ""


def read(cluster: Cluster, namespace: str) -> Book:
    """The namespace's book."""
    try:
        document = cluster.get(Reference(CONFIG_MAP, NAME, namespace))
    except NotInCluster:
        return Book({})
    text = (document.get("data") or {}).get(KEY) or "{}"
    return Book(json.loads(text), document["metadata"]["resourceVersion"])


def write(
    cluster: Cluster, namespace: str, book: Book, originals: Mapping[str, int | None]
) -> Book:
    """Replace what is written down, if it differs; a book without entries goes away.

    Raises:
        Conflict: Somebody else has written in it since it was read.
    """
    if dict(originals) == dict(book.originals) and (originals or not book.version):
        return book
    reference = Reference(CONFIG_MAP, NAME, namespace)
    if not originals:
        cluster.delete(reference)
        return Book({})
    data = {KEY: json.dumps(dict(originals), sort_keys=True)}
    if book.version:
        change = {"metadata": {"resourceVersion": book.version}, "data": data}
        written = cluster.patch(reference, change)
    else:
        metadata = {"name": NAME, "namespace": namespace}
        written = cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        )
    return Book(dict(originals), written["metadata"]["resourceVersion"])
