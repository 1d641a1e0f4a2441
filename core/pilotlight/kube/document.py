"""Kubernetes objects as they travel: JSON documents of any kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pilotlight.errors import ManifestError

Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """What an object is: ``Kind("serving.knative.dev/v1", "Revision")``."""

    api_version: str
    name: str

    @property
    def group(self) -> str:
        """The API group; empty for the core's own kinds."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        return f"{self.name}.{self.group}" if self.group else self.name


@dataclass(frozen=True)
class Reference:
    """Which object: its kind, its name and, where its kind has one, its namespace."""

    kind: Kind
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


@dataclass(frozen=True)
class Condition:
    """One entry of ``status.conditions``."""

    status: str
    reason: str = ""
    message: str = ""

    @property
    def is_true(self) -> bool:
        return self.status == "True"

    @property
    def is_false(self) -> bool:
        return self.status == "False"


def kind_of(document: Mapping[str, Any]) -> Kind:
    """What a document says that it is.

    Raises:
        ManifestError: It lacks ``apiVersion`` or ``kind``.
    """
    api_version, name = document.get("apiVersion"), document.get("kind")
    if not (isinstance(api_version, str) and api_version and isinstance(name, str) and name):
        raise ManifestError("a Kubernetes document needs apiVersion and kind, both as text")
    return Kind(api_version, name)


def reference_to(document: Mapping[str, Any]) -> Reference:
    """Which object a document describes.

    Raises:
        ManifestError: It lacks ``apiVersion``, ``kind`` or ``metadata.name``.
    """
    kind = kind_of(document)
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(name, str) or not name:
        raise ManifestError(f"a {kind} needs metadata.name")
    return Reference(kind, name, metadata.get("namespace"))


def condition(document: Mapping[str, Any], type_: str) -> Condition | None:
    """The condition of that type, or ``None`` where nobody has set it yet."""
    for entry in (document.get("status") or {}).get("conditions") or []:
        if entry.get("type") == type_:
            return Condition(
                entry.get("status", "Unknown"),
                entry.get("reason") or "",
                entry.get("message") or "",
            )
    return None
