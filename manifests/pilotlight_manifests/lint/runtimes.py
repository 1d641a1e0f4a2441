"""Which serving runtime a model gets, as far as the files tell."""

from collections.abc import Sequence

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.field import Field

KINDS = ("ServingRuntime", "ClusterServingRuntime")

HINTS = {"huggingface": "huggingfaceserver", "vllm": "vllm"}
"""Servers of KServe's own runtimes (``config/runtimes``) by model format."""


def choose(
    service: Document, model: Field, framework: str | None, runtimes: Sequence[Document]
) -> Document | None:
    """The runtime that the model names, or else the only one in its file that offers itself.

    A runtime elsewhere may have a higher priority: then nothing can be said, and nothing is.
    """
    name = model.at("runtime").text
    if name is not None:
        named = [r for r in runtimes if r.name == name and (r.kind == KINDS[1] or service.near(r))]
        here = [r for r in named if r.file == service.file] or named
        return here[0] if len(here) == 1 else None
    wanted = framework or model.at("modelFormat", "name").text
    fitting = [r for r in runtimes if r.file == service.file and _offers(r, wanted)]
    return fitting[0] if len(fitting) == 1 else None


def hint(model: Field, framework: str | None) -> str:
    """What the server is called where the runtime is not in the files."""
    name = model.at("runtime").text
    if name is not None:
        return name
    return HINTS.get((framework or model.at("modelFormat", "name").text or "").lower(), "")


def _offers(runtime: Document, wanted: str | None) -> bool:
    return runtime.spec.at("disabled").content is not True and any(
        f.at("name").text == wanted and f.at("autoSelect").content is True
        for f in runtime.spec.at("supportedModelFormats").items
    )
