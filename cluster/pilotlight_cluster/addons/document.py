"""Kubernetes objects in YAML files, and the few changes that every one needs here."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
# Definitions are megabytes of YAML: the C loader reads them ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(*paths: Path) -> Iterator[Document]:
    """Every object in the given files and folders, in the order of the files' names."""
    for path in paths:
        files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        for file in files:
            with file.open() as stream:
                yield from (
                    document for document in yaml.load_all(stream, Loader=LOADER) if document
                )


def is_kind(document: Document, kind: str, name: str | None = None) -> bool:
    """Whether it is an object of that kind (and name)."""
    return document["kind"] == kind and (name is None or document["metadata"]["name"] == name)


def containers(document: Document) -> list[dict[str, Any]]:
    """A workload's containers; none for other objects."""
    template = document.get("spec", {}).get("template", {})
    found: list[dict[str, Any]] = template.get("spec", {}).get("containers", [])
    return found


def fit(document: Document, image: Callable[[str], str]) -> Document:
    """Put local images in, and let a small machine's CPU go to models.

    Args:
        image: Maps the published image's name to ours.
    """
    for container in containers(document):
        container["image"] = image(container["image"])
        container["imagePullPolicy"] = "IfNotPresent"
        memory = container.get("resources", {}).get("requests", {}).get("memory", "50Mi")
        container["resources"] = {"requests": {"cpu": "5m", "memory": memory}}
    return document


def settings(documents: Iterable[Document], name: str, values: dict[str, str]) -> None:
    """Set keys of a ConfigMap."""
    for document in documents:
        if is_kind(document, "ConfigMap", name):
            document.setdefault("data", {}).update(values)
