"""What the demonstration deploys: a server that pretends to be a model, and a rollout for it."""

from dataclasses import dataclass, field
from typing import Any

from pilotlight.demo.standin import VOLUME, container
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE

NAME = "chat"


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


def inference_service(namespace: str, version: Version, *, held: bool = False) -> Document:
    """The InferenceService as a person would apply it.

    Args:
        held: With ``canaryTrafficPercent: 0``, for a cluster where no webhook writes it.
    """
    behaviour = {"version": version.number, "token_s": "0.01", **version.behaviour}
    predictor: dict[str, Any] = {
        "minReplicas": 1,
        "maxReplicas": 2,
        "scaleMetric": "concurrency",
        "scaleTarget": 40,
        "timeout": 60,
        "annotations": {"features.knative.dev/http-full-duplex": "Enabled"},
        "containers": [container(behaviour)],
        "volumes": [VOLUME],
    }
    if held:
        predictor["canaryTrafficPercent"] = 0
    return {
        "apiVersion": INFERENCE_SERVICE.api_version,
        "kind": INFERENCE_SERVICE.name,
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"predictor": predictor},
    }


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
