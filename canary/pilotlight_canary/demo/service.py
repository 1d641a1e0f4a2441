"""What the demonstration deploys: a server that pretends to be a model, and a rollout for it."""

import sys
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from pilotlight.errors import UsageError
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE

NAME = "chat"
MODEL = "standin"
IMAGE = "dev.local/pilotlight-transformer:dev"
PROGRAM = Path("tests", "e2e", "standin")
FOLDER = "/opt/standin"


@dataclass(frozen=True)
class Version:
    """One version of the server, and how it behaves.

    Attributes:
        number: As it tells in each answer.
        words: What is new about it.
        behaviour: Of the stand-in; only the demonstration and the tests know of it.
    """

    number: str
    words: str
    behaviour: dict[str, str] = field(default_factory=dict)


FIRST = Version("1", "serves")
GOOD = Version("2", "is as good as the one before")
BAD = {
    "errors": Version("3", "answers 8 % with an error", {"fail_share": "0.08"}),
    "slow": Version(
        "3", "makes a quarter wait for the first word", {"stall_share": "0.25", "stall_s": "0.8"}
    ),
}


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


def inference_service(namespace: str, version: Version, *, held: bool = False) -> Document:
    """The InferenceService as a person would apply it.

    Args:
        held: With ``canaryTrafficPercent: 0``, for a cluster where no webhook writes it.
    """
    predictor: dict[str, Any] = {
        "minReplicas": 1,
        "maxReplicas": 2,
        "scaleMetric": "concurrency",
        "scaleTarget": 40,
        "timeout": 60,
        "annotations": {"features.knative.dev/http-full-duplex": "Enabled"},
        "containers": [_container(version)],
        "volumes": [{"name": "code", "configMap": {"name": "standin"}}],
    }
    if held:
        predictor["canaryTrafficPercent"] = 0
    return {
        "apiVersion": INFERENCE_SERVICE.api_version,
        "kind": INFERENCE_SERVICE.name,
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"predictor": predictor},
    }


def _container(version: Version) -> dict[str, Any]:
    variables = {"model": MODEL, "version": version.number, "token_s": "0.01", **version.behaviour}
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


def rollout(namespace: str, prometheus: str = "") -> Document:
    """The InferenceRollout, with times and limits for somebody who looks on."""
    spec: dict[str, Any] = {
        "targetRef": {"name": NAME},
        "rollbackWindowSeconds": 15,
        "analysis": {
            "interval": "5s",
            "stepWeights": [10, 25, 50],
            "maxDuration": "3m",
            "metrics": [
                {"name": "errors", "maxRatio": 1.5, "tolerance": 0.02},
                {"name": "ttft", "maxRatio": 1.2, "tolerance": 0.05, "limitSeconds": 0.4},
            ],
        },
    }
    if prometheus:
        spec["metricsServer"] = prometheus
    return {
        "apiVersion": INFERENCE_ROLLOUT.api_version,
        "kind": INFERENCE_ROLLOUT.name,
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": spec,
    }
