"""The examples that people copy, deployed as they stand."""

from pathlib import Path
from typing import Any

import yaml

_EXAMPLES = Path(__file__).parents[2] / "manifests" / "examples"
EXAMPLE = _EXAMPLES / "smollm2.yaml"
GRPC_EXAMPLE = _EXAMPLES / "grpc.yaml"
MODEL = "smollm2"
PROMPT = "The capital of France is"
ANSWER = "Paris"


def documents(file: Path) -> list[dict[str, Any]]:
    """What an example holds."""
    return [document for document in yaml.safe_load_all(file.read_text()) if document]
