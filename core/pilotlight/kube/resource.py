"""Where a kind lives in the API: its path, asked of the API server once."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from pilotlight.errors import NotInCluster
from pilotlight.kube.document import Document, Kind


@dataclass(frozen=True)
class Resource:
    """A kind's place in the API."""

    root: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, *rest: str) -> str:
        """The path of a collection, or with a name (and a subresource) of one object."""
        scope = ["namespaces", namespace] if self.namespaced and namespace else []
        parts = [*scope, self.plural, *(part for part in rest if part)]
        return "/".join([self.root, *(quote(part, safe="") for part in parts)])


class Caller(Protocol):
    """Asks the API server for a document."""

    def call(self, method: str, path: str, doing: str) -> Document: ...


class Catalog:
    """Which kinds a cluster serves.

    Kinds once found are remembered. One that is missing is asked for again, because its
    CustomResourceDefinition may have been applied since.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._known: dict[Kind, Resource] = {}

    def find(self, kind: Kind) -> Resource:
        """Where ``kind`` lives.

        Raises:
            NotInCluster: The cluster does not serve it.
        """
        if kind not in self._known:
            self._known |= self._ask(kind)
        if kind not in self._known:
            raise NotInCluster(
                f"the cluster serves no {kind} ({kind.api_version}): is what brings it installed? "
                "pilotlight cluster check"
            )
        return self._known[kind]

    def _ask(self, kind: Kind) -> dict[Kind, Resource]:
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"
        try:
            listing = self._caller.call("GET", root, f"get the kinds of {kind.api_version}")
        except NotInCluster:
            return {}
        return {
            Kind(kind.api_version, entry["kind"]): Resource(
                root, entry["name"], bool(entry["namespaced"])
            )
            for entry in listing.get("resources") or []
            if "/" not in entry["name"]
        }
