"""A YAML stream as people deploy it, read into typed documents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pilotlight.errors import ManifestError
from pilotlight.local.kept import Kept, Kind, contents
from pilotlight.local.origin import Origin
from pilotlight.local.schema import InferenceService, KeptObject, ServingRuntime

Shape = TypeVar("Shape", bound=BaseModel)

SERVICE = ("serving.kserve.io/v1beta1", "InferenceService")
RUNTIMES = (
    ("serving.kserve.io/v1alpha1", "ServingRuntime"),
    ("serving.kserve.io/v1alpha1", "ClusterServingRuntime"),
)
KEPT = {("v1", kind.value): kind for kind in Kind}


@dataclass(frozen=True)
class Service:
    """An InferenceService and where it was written."""

    origin: Origin
    document: InferenceService


@dataclass(frozen=True)
class Runtime:
    """A ServingRuntime or ClusterServingRuntime and where it was written."""

    origin: Origin
    document: ServingRuntime

    @property
    def of_cluster(self) -> bool:
        return self.origin.kind == "ClusterServingRuntime"


@dataclass(frozen=True)
class Documents:
    """What one YAML stream holds.

    Attributes:
        kept: Its ConfigMaps and Secrets.
        others: Kind and name of the documents that only a cluster can use.
    """

    services: tuple[Service, ...]
    runtimes: tuple[Runtime, ...]
    kept: Kept
    others: tuple[str, ...]


def read(file: Path) -> Documents:
    """Read a YAML stream.

    Raises:
        ManifestError: The file cannot be read, is not YAML, or holds a document that is not a
            Kubernetes object or not of its kind's shape.
    """
    services: list[Service] = []
    runtimes: list[Runtime] = []
    kept: dict[tuple[Kind, str], Mapping[str, bytes]] = {}
    others: list[str] = []
    for origin, content in _objects(file):
        kind = (str(content["apiVersion"]), str(content["kind"]))
        if kind == SERVICE:
            services.append(Service(origin, _parse(InferenceService, content, origin)))
        elif kind in RUNTIMES:
            runtimes.append(Runtime(origin, _parse(ServingRuntime, content, origin)))
        elif kind in KEPT:
            parsed = _parse(KeptObject, content, origin)
            kept[KEPT[kind], parsed.metadata.name] = contents(KEPT[kind], parsed, origin)
        elif kind[1] in {SERVICE[1], *(name for _, name in RUNTIMES)}:
            wanted = next(group for group, name in (SERVICE, *RUNTIMES) if name == kind[1])
            raise origin.error("apiVersion", f"{kind[0]!r} is not supported; use {wanted}")
        else:
            others.append(f"{origin.kind} {origin.name}")
    return Documents(tuple(services), tuple(runtimes), Kept(kept), tuple(others))


def _objects(file: Path) -> Iterator[tuple[Origin, dict[str, object]]]:
    try:
        contents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ManifestError(f"{file}: cannot be read: {reason}") from error
    except yaml.YAMLError as error:
        raise ManifestError(f"{file}: not YAML: {_oneline(error)}") from error
    for number, content in enumerate(contents, start=1):
        if content is None:
            continue
        origin = Origin(str(file), number)
        if not isinstance(content, dict):
            raise origin.error("document", "a mapping with apiVersion and kind is expected")
        for field in ("apiVersion", "kind"):
            if not isinstance(content.get(field), str):
                raise origin.error(field, "missing, or not a string")
        metadata = content.get("metadata")
        name = metadata.get("name", "?") if isinstance(metadata, dict) else "?"
        yield Origin(str(file), number, content["kind"], str(name)), content


def _parse(shape: type[Shape], content: object, origin: Origin) -> Shape:
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        problem = "this field is not known" if first["type"] == "extra_forbidden" else first["msg"]
        raise origin.error(_path(first["loc"]), problem) from error


def _path(location: tuple[int | str, ...]) -> str:
    """``("spec", "containers", 0, "image")`` as ``spec.containers[0].image``."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


def _oneline(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
