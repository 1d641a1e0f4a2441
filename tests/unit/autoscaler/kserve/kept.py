"""A cluster of a few objects, which can be changed by somebody else in between."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from pilotlight.errors import AccessDenied, Conflict, NotInCluster
from pilotlight.kube.document import Document, Kind, Reference


def merged(before: Any, change: Any) -> Any:
    """RFC 7386, section 2."""
    if not isinstance(change, dict):
        return change
    result = dict(before) if isinstance(before, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


class Kept:
    """The parts of a ``Cluster`` that looking and settling use."""

    def __init__(self, *documents: Document, unserved: tuple[str, ...] = ()) -> None:
        self.documents = {_key(document): deepcopy(document) for document in documents}
        self.unserved = unserved
        self.forbidden: set[str] = set()
        self.lists: list[str] = []
        self.before_patch: Callable[[Reference], None] = lambda _: None
        self.written: list[str] = []

    def serves(self, kind: Kind) -> bool:
        return kind.name not in self.unserved

    def get(self, reference: Reference) -> Document:
        if reference.name in self.forbidden:
            raise AccessDenied(str(reference))
        found = self.documents.get((reference.kind.name, reference.name))
        if found is None:
            raise NotInCluster(str(reference))
        return deepcopy(found)

    def list(self, kind: Kind, namespace: str | None = None, *, labels: str = "") -> Any:
        self.lists.append(kind.name)
        return [
            deepcopy(document)
            for (name, _), document in self.documents.items()
            if name == kind.name
            and (not labels or labels in (document["metadata"].get("labels") or {}))
        ]

    def create(self, document: Document) -> Document:
        made = merged({"metadata": {"resourceVersion": "1"}}, document)
        self.documents[_key(document)] = made
        self.written.append(document["metadata"]["name"])
        return deepcopy(made)

    def patch(
        self, reference: Reference, change: Mapping[str, Any], *, subresource: str = ""
    ) -> Document:
        self.before_patch(reference)
        found = self.get(reference)
        version = (change.get("metadata") or {}).get("resourceVersion")
        if version not in (None, found["metadata"]["resourceVersion"]):
            raise Conflict(str(reference))
        after = merged(found, dict(change))
        self._store(after, is_spec="spec" in change)
        self.written.append(reference.name)
        return deepcopy(after)

    def edit(self, kind: str, name: str, change: Document) -> None:
        """Somebody else writes."""
        self._store(merged(self.documents[kind, name], change), is_spec="spec" in change)

    def delete(self, reference: Reference) -> bool:
        return self.documents.pop((reference.kind.name, reference.name), None) is not None

    def _store(self, document: Document, *, is_spec: bool) -> None:
        metadata = document["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        metadata["generation"] = metadata.get("generation", 1) + is_spec
        self.documents[_key(document)] = document


def _key(document: Document) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]
