"""Findings of a YAML text, for tests of single rules."""

from collections.abc import Callable
from textwrap import dedent

import pytest

from pilotlight_manifests.lint import linter
from pilotlight_manifests.lint.document import parse
from pilotlight_manifests.lint.finding import Finding
from pilotlight_manifests.lint.options import Options

Lint = Callable[..., list[Finding]]


@pytest.fixture
def lint() -> Lint:
    """Lint a text; keyword arguments are the options, ``rule`` picks the findings of one rule."""

    def run(
        text: str, rule: str | None = None, against: str | None = None, **facts: object
    ) -> list[Finding]:
        if against is not None:
            facts["previous"] = tuple(parse(dedent(against), "old.yaml"))
        documents = tuple(parse(dedent(text), "new.yaml"))
        found = linter.lint(documents, Options(**facts))  # type: ignore[arg-type]
        return [finding for finding in found if rule in {None, finding.rule}]

    return run


@pytest.fixture
def service() -> Callable[..., str]:
    """An InferenceService of vLLM in a container of its own.

    ``args`` are the engine's, ``predictor`` and ``pod`` are further lines of the predictor, and
    ``container`` of its container.
    """

    def write(
        args: str = "",
        predictor: str = "",
        container: str = "",
        image: str = "vllm/vllm-openai:v0.32.0",
        annotations: str = "",
    ) -> str:
        lines = [
            "apiVersion: serving.kserve.io/v1beta1",
            "kind: InferenceService",
            "metadata:",
            "  name: chat",
            *(["  annotations:", f"    {annotations}"] if annotations else []),
            "spec:",
            "  predictor:",
            *(f"    {line}" for line in dedent(predictor).strip().splitlines()),
            "    containers:",
            "      - name: kserve-container",
            f"        image: {image}",
            *(["        args:"] if args else []),
            *(f"          - {arg}" for arg in args.split()),
            *(f"        {line}" for line in dedent(container).strip().splitlines()),
        ]
        return "\n".join(lines) + "\n"

    return write
