"""The stand-in as an InferenceService: its code in a ConfigMap, on the transformer's image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pilotlight

IMAGE = "dev.local/pilotlight-transformer:dev"
MODEL = "standin"
# Without it Knative's proxies now and then cut an answer (docs/lint.md, streams-may-be-cut).
FULL_DUPLEX = "features.knative.dev/http-full-duplex"
_FOLDER = "/opt/standin"
_PROGRAM = (
    "__init__",
    "__main__",
    "behaviour",
    "generation",
    "metrics",
    "prompt_cache",
    "server",
    "structure",
)
# The image may be of older code: what is shared with the predictor comes along.
_SHARED = ("request_metrics",)


@dataclass(frozen=True)
class StandInService:
    """What to render.

    Args:
        name: Of the InferenceService.
        behaviour: Fields of :class:`~.behaviour.Behaviour`.
        min_replicas: 0: scale to zero.
        max_replicas: Upper bound.
        timeout_s: Of a request, and of a stopping pod.
        scale_target: Concurrent requests per pod.
        container_concurrency: Hard limit per pod; 0: none.
        annotations: Of the template, such as Knative's windows.
        canary_percent: ``canaryTrafficPercent``.
    """

    name: str
    behaviour: Mapping[str, object] = field(default_factory=dict)
    min_replicas: int = 0
    max_replicas: int = 3
    timeout_s: int = 60
    scale_target: int = 8
    container_concurrency: int = 0
    annotations: Mapping[str, str] = field(default_factory=dict)
    canary_percent: int | None = None

    def manifests(self) -> list[dict[str, Any]]:
        """The ConfigMap with its code, and the InferenceService."""
        return [code(), self.inference_service()]

    def inference_service(self) -> dict[str, Any]:
        """The InferenceService alone."""
        predictor: dict[str, Any] = {
            "minReplicas": self.min_replicas,
            "maxReplicas": self.max_replicas,
            "scaleMetric": "concurrency",
            "scaleTarget": self.scale_target,
            "containerConcurrency": self.container_concurrency,
            "timeout": self.timeout_s,
            "annotations": {FULL_DUPLEX: "Enabled", **self.annotations},
            "containers": [self._container()],
            "volumes": [{"name": "code", "configMap": {"name": "standin"}}],
        }
        if self.canary_percent is not None:
            predictor["canaryTrafficPercent"] = self.canary_percent
        return {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": self.name},
            "spec": {"predictor": predictor},
        }

    def _container(self) -> dict[str, Any]:
        variables = {"STANDIN_MODEL": MODEL}
        variables |= {f"STANDIN_{name.upper()}": str(v) for name, v in self.behaviour.items()}
        return {
            "name": "kserve-container",
            "image": IMAGE,
            # KServe refuses PYTHONPATH.
            "workingDir": _FOLDER,
            "command": ["/opt/pilotlight/bin/python", "-m", "standin"],
            "env": [{"name": name, "value": value} for name, value in variables.items()],
            "ports": [{"name": "http1", "containerPort": 8080, "protocol": "TCP"}],
            "readinessProbe": {
                "httpGet": {"path": "/v2/health/ready", "port": 8080},
                "periodSeconds": 1,
            },
            "resources": {
                "requests": {"cpu": "20m", "memory": "64Mi"},
                "limits": {"cpu": "1", "memory": "256Mi"},
            },
            "volumeMounts": [{"name": "code", "mountPath": f"{_FOLDER}/standin"}],
        }


def code() -> dict[str, Any]:
    """The ConfigMap with the stand-in's program."""
    here = Path(__file__).parent
    data = {f"{name}.py": (here / f"{name}.py").read_text() for name in _PROGRAM}
    core = Path(pilotlight.__file__).parent
    data |= {f"{name}.py": (core / f"{name}.py").read_text() for name in _SHARED}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "standin"},
        "data": data,
    }
