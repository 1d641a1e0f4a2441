"""Access to a real cluster through its API server."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from pilotlight.errors import NotInCluster
from pilotlight.kube.document import Document, Kind, Reference, kind_of, reference_to
from pilotlight.kube.kubeconfig import find
from pilotlight.kube.resource import Catalog
from pilotlight.kube.transport import APPLY, MERGE, Transport

MANAGER = "pilotlight"
PAGE = "500"


def connect(
    kubeconfig: Path | None = None,
    context: str | None = None,
    *,
    timeout_s: float = 10,
    impersonate: str | None = None,
) -> "ApiServer":
    """Open a cluster; nothing is asked of it yet.

    Args:
        kubeconfig: By default ``$KUBECONFIG``, ``~/.kube/config``, or this pod's own cluster.
        context: By default the kubeconfig's current one.
        timeout_s: Seconds that one call may take to connect, and again to answer.
        impersonate: A user to act as, as in ``system:serviceaccount:NAMESPACE:NAME``.

    Raises:
        UsageError: There is no kubeconfig, or it cannot be used.
    """
    target = find(kubeconfig, context)
    return ApiServer(Transport(target, timeout_s, impersonate), target.namespace)


class ApiServer:
    """A ``Cluster`` behind a kube-apiserver."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self._transport = transport
        self._catalog = Catalog(transport)
        self._namespace = namespace

    def __enter__(self) -> "ApiServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()

    @property
    def server(self) -> str:
        return self._transport.server

    @property
    def namespace(self) -> str:
        return self._namespace

    def version(self) -> str:
        return str(self._transport.call("GET", "/version", "get the version")["gitVersion"])

    def serves(self, kind: Kind) -> bool:
        try:
            self._catalog.find(kind)
        except NotInCluster:
            return False
        return True

    def get(self, reference: Reference) -> Document:
        return self._transport.call("GET", self._path(reference), f"get {reference}")

    def list(
        self, kind: Kind, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> list[Document]:
        path = self._catalog.find(kind).path(namespace)
        query = {"limit": PAGE, "labelSelector": labels, "fieldSelector": fields}
        found: list[Document] = []
        while True:
            page = self._transport.call("GET", path, f"get the list of {kind}", query=query)
            # The entries of a list do not say what they are.
            common = {"apiVersion": kind.api_version, "kind": kind.name}
            found += [common | item for item in page.get("items") or []]
            query["continue"] = page["metadata"].get("continue") or ""
            if not query["continue"]:
                return found

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        kind = kind_of(document)
        namespace = (document.get("metadata") or {}).get("namespace") or self._namespace
        return self._transport.call(
            "POST",
            self._catalog.find(kind).path(namespace),
            f"create a {kind}",
            query=_options(dry_run),
            body=document,
        )

    def apply(self, document: Document, *, force: bool = False, dry_run: bool = False) -> Document:
        reference = reference_to(document)
        return self._transport.call(
            "PATCH",
            self._path(reference),
            f"apply {reference}",
            query=_options(dry_run) | {"force": str(force).lower()},
            body=document,
            content=APPLY,
        )

    def patch(
        self, reference: Reference, change: Mapping[str, object], *, subresource: str = ""
    ) -> Document:
        return self._transport.call(
            "PATCH",
            self._path(reference, subresource),
            f"change {reference}",
            query=_options(dry_run=False),
            body=dict(change),
            content=MERGE,
        )

    def delete(self, reference: Reference) -> bool:
        options = {"propagationPolicy": "Background"}
        try:
            path = self._path(reference)
            self._transport.call("DELETE", path, f"delete {reference}", query=options)
        except NotInCluster:
            return False
        return True

    def _path(self, reference: Reference, subresource: str = "") -> str:
        resource = self._catalog.find(reference.kind)
        return resource.path(reference.namespace or self._namespace, reference.name, subresource)


def _options(dry_run: bool) -> dict[str, str]:
    options = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    return options | {"dryRun": "All"} if dry_run else options
