"""A Kubernetes cluster, as the rest of Pilotlight sees it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pilotlight.kube.document import Document, Kind, Reference


class Reader(Protocol):
    """Reads single objects."""

    def get(self, reference: Reference) -> Document:
        """One object."""
        ...


class Cluster(Reader, Protocol):
    """Reads and writes objects of any kind.

    Every call ends within the deadline that the cluster was opened with. All raise
    ``ClusterError`` or one of its kinds: ``AccessDenied``, ``NotInCluster``, ``Conflict``,
    ``NotReached``; those that send a document raise ``ManifestError`` if the cluster refuses it.
    """

    @property
    def server(self) -> str:
        """The API server's address."""
        ...

    @property
    def namespace(self) -> str:
        """The namespace of references and documents that name none."""
        ...

    def version(self) -> str:
        """Kubernetes' own version, as in ``v1.34.4``."""
        ...

    def serves(self, kind: Kind) -> bool:
        """Whether the API has this kind."""
        ...

    def list(
        self, kind: Kind, namespace: str | None = None, *, labels: str = ""
    ) -> Sequence[Document]:
        """All objects of a kind, in one namespace or in all; ``labels`` is a label selector."""
        ...

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        """Make an object that must not exist yet, or ask a question in a review."""
        ...

    def apply(self, document: Document, *, force: bool = False, dry_run: bool = False) -> Document:
        """Server-side apply as field manager ``pilotlight``.

        Args:
            document: The fields that are ours; those left out since the last time go away.
            force: Take over fields that belong to another manager instead of a ``Conflict``.
            dry_run: Have it admitted and validated, and store nothing.
        """
        ...

    def patch(
        self, reference: Reference, change: Mapping[str, object], *, subresource: str = ""
    ) -> Document:
        """Merge ``change`` into an object (RFC 7386): ``None`` removes a field.

        With ``change["metadata"]["resourceVersion"]`` set it is a ``Conflict`` if the object is
        another by now.
        """
        ...

    def delete(self, reference: Reference) -> bool:
        """Remove an object, and in the background what it owns; ``False`` if there was none."""
        ...
