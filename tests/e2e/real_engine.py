"""The example that people copy, deployed as it stands, and variants of it."""

import copy
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = Path(__file__).parents[2] / "manifests" / "examples" / "smollm2.yaml"
MODEL = "smollm2"
PROMPT = "The capital of France is"
ANSWER = "Paris"


def example() -> dict[str, Any]:
    """The example."""
    document: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    return document


def over_grpc(name: str) -> dict[str, Any]:
    """The example with gRPC as the pod's one port.

    Knative routes to a single port, h2c by its name, and points an HTTP liveness probe at that
    port whatever it says; readiness may stay on the other one.
    """
    document = copy.deepcopy(example())
    document["metadata"]["name"] = name
    container = document["spec"]["predictor"]["containers"][0]
    container["ports"] = [{"name": "h2c", "containerPort": 8081, "protocol": "TCP"}]
    del container["livenessProbe"]
    return document
