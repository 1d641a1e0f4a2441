"""The two servers as InferenceServices: one image, one set of engine settings."""

from typing import Any

from pilotlight.kube.document import Document
from pilotlight_bench.coldstart.benchmark import OURS, PLAIN
from pilotlight_bench.coldstart.settings import ClusterInputs

PORT = 8080
MODEL_DIR = "/mnt/models"

ANNOTATIONS = {
    # Without it Knative's proxies now and then cut a stream (docs/lint.md, streams-may-be-cut).
    "features.knative.dev/http-full-duplex": "Enabled",
    # KPA's shortest window, and nothing kept after it: rounds would take minutes otherwise.
    "autoscaling.knative.dev/window": "6s",
    "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s",
}
_PREFIX = "coldstart"


def service_name(peer: str) -> str:
    """The InferenceService of a peer."""
    return f"{_PREFIX}-{peer}"


def inference_service(peer: str, inputs: ClusterInputs) -> Document:
    """A peer, scaled to zero seconds after its last request."""
    predictor = {
        "minReplicas": 0,
        "maxReplicas": 1,
        "timeout": inputs.start_timeout_s,
        "annotations": ANNOTATIONS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
        },
        "containers": [_container(peer, inputs)],
        "volumes": [
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": service_name(peer), "namespace": inputs.namespace},
        "spec": {"predictor": predictor},
    }


def _container(peer: str, inputs: ClusterInputs) -> dict[str, Any]:
    variables = {"STORAGE_URI": inputs.storage_uri, **inputs.environment}
    return {
        "name": "kserve-container",
        "image": inputs.image,
        **_process(peer, inputs),
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "ports": [{"name": "http1", "containerPort": PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": "500m", "memory": "4Gi"},
            "limits": {"cpu": "4", "memory": "6Gi"},
        },
        "volumeMounts": [
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108  # the container's own
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }


def _process(peer: str, inputs: ClusterInputs) -> dict[str, Any]:
    """What differs: the program, its arguments, and where it says that it is ready."""
    if peer == OURS:
        own = [f"--model_name={inputs.model}", f"--model_dir={MODEL_DIR}"]
        return {
            "command": ["python", "-m", "pilotlight_predictor"],
            "args": [*own, *inputs.engine],
            "readinessProbe": _ready("/v2/health/ready"),
        }
    assert peer == PLAIN
    own = [f"--model={MODEL_DIR}", f"--served-model-name={inputs.model}", f"--port={PORT}"]
    return {
        "command": ["python", "-m", "vllm.entrypoints.openai.api_server"],
        "args": [*own, *inputs.engine, "--disable-uvicorn-access-log"],
        "readinessProbe": _ready("/health"),
    }


def _ready(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": PORT}, "periodSeconds": 1, "failureThreshold": 3}
