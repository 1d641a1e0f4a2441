"""A cluster that is written to only while this process leads."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pilotlight.errors import ClusterError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Kind, Reference


class NotLeading(ClusterError):
    """Another process leads, or this one is about to end: it must not write."""


class Fence:
    """A ``Cluster`` whose writes need leave.

    Args:
        cluster: The cluster itself.
        may_write: Whether this process leads at this moment.
    """

    def __init__(self, cluster: Cluster, may_write: Callable[[], bool]) -> None:
        self._cluster = cluster
        self._may_write = may_write
        self._quiet = threading.Condition()
        self._under_way = 0
        self._closed = False

    def close(self, timeout_s: float) -> bool:
        """Let no further write begin; whether those under way have ended in time."""
        with self._quiet:
            self._closed = True
            return self._quiet.wait_for(lambda: self._under_way == 0, timeout_s)

    @property
    def server(self) -> str:
        return self._cluster.server

    @property
    def namespace(self) -> str:
        return self._cluster.namespace

    def version(self) -> str:
        return self._cluster.version()

    def serves(self, kind: Kind) -> bool:
        return self._cluster.serves(kind)

    def get(self, reference: Reference) -> Document:
        return self._cluster.get(reference)

    def list(
        self, kind: Kind, namespace: str | None = None, *, labels: str = ""
    ) -> Sequence[Document]:
        return self._cluster.list(kind, namespace, labels=labels)

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        with self._leave():
            return self._cluster.create(document, dry_run=dry_run)

    def apply(self, document: Document, *, force: bool = False, dry_run: bool = False) -> Document:
        with self._leave():
            return self._cluster.apply(document, force=force, dry_run=dry_run)

    def patch(
        self, reference: Reference, change: Mapping[str, object], *, subresource: str = ""
    ) -> Document:
        with self._leave():
            return self._cluster.patch(reference, change, subresource=subresource)

    def delete(self, reference: Reference) -> bool:
        with self._leave():
            return self._cluster.delete(reference)

    @contextmanager
    def _leave(self) -> Iterator[None]:
        with self._quiet:
            if self._closed or not self._may_write():
                raise NotLeading("this process does not lead any more: nothing is written")
            self._under_way += 1
        try:
            yield
        finally:
            with self._quiet:
                self._under_way -= 1
                self._quiet.notify_all()
