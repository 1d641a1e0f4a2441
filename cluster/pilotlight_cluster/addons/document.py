"""Kubernetes objects in YAML files, and the few changes that every one needs here."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from pilotlight.kube.document import Document

# Definitions are megabytes of YAML: the C loader reads them ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SEPARATOR = re.compile(r"^---\s*$", re.MULTILINE)
DEFINITION = re.compile(r"^kind: CustomResourceDefinition\s*$", re.MULTILINE)


def read(*paths: Path, wanted: Callable[[str], bool] = bool) -> Iterator[Document]:
    """Objects in the given files and folders, in the order of the files' names.

    Args:
        wanted: Which, by their text: what is not wanted is not parsed, which takes seconds.
    """
    for path in paths:
        for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
            for text in filter(wanted, SEPARATOR.split(file.read_text())):
                document = yaml.load(text, Loader=LOADER)  # noqa: S506  (it is a safe loader)
                if document:
                    yield document


def is_definition(text: str) -> bool:
    """Whether an object's text is that of a CustomResourceDefinition."""
    return DEFINITION.search(text) is not None


def is_kind(document: Document, kind: str, name: str | None = None) -> bool:
    """Whether it is an object of that kind (and name)."""
    return document["kind"] == kind and (name is None or document["metadata"]["name"] == name)


def containers(document: Document) -> list[dict[str, Any]]:
    """A workload's containers; none for other objects."""
    spec = document.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
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
