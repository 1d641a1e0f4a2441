"""The server that demonstrations deploy: it pretends to be a model."""

import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from pilotlight.errors import UsageError
from pilotlight.kube.document import Document

MODEL = "standin"
IMAGE = "dev.local/pilotlight-transformer:dev"
PROGRAM = Path("tests", "e2e", "standin")
FOLDER = "/opt/standin"
VOLUME = {"name": "code", "configMap": {"name": "standin"}}


def checkout() -> Path:
    """Where Pilotlight's sources are: the stand-in is not part of the installed package.

    Raises:
        UsageError: It is not run from a checkout.
    """
    for folder in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        if (folder / PROGRAM / "__main__.py").is_file():
            return folder
    raise UsageError(
        "the demonstration deploys tests/e2e/standin of Pilotlight's sources: run it in a checkout"
    )


def code(namespace: str) -> Document:
    """The stand-in's program as a ConfigMap; the stand-in itself knows what belongs to it."""
    place = checkout() / PROGRAM / "service.py"
    spec = spec_from_file_location("pilotlight_stand_in", place)
    if spec is None or spec.loader is None:
        raise UsageError(f"{place} cannot be read")
    module = module_from_spec(spec)
    # Its dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    document: Document = module.code()
    document["metadata"]["namespace"] = namespace
    return document


def container(behaviour: Mapping[str, str]) -> dict[str, Any]:
    """The server's container.

    Args:
        behaviour: Of the stand-in; only demonstrations and tests know of it.
    """
    variables = {"model": MODEL, **behaviour}
    return {
        "name": "kserve-container",
        "image": IMAGE,
        "workingDir": FOLDER,
        "command": ["/opt/pilotlight/bin/python", "-m", "standin"],
        "env": [{"name": f"STANDIN_{key.upper()}", "value": v} for key, v in variables.items()],
        "ports": [{"name": "http1", "containerPort": 8080, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080},
                           "periodSeconds": 1},
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"},
                      "limits": {"cpu": "1", "memory": "256Mi"}},
        "volumeMounts": [{"name": "code", "mountPath": f"{FOLDER}/standin"}],
    }  # fmt: skip
