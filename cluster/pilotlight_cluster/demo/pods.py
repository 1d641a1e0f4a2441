"""The pods of a served model, in the words of the person who waits for them."""

from datetime import UTC, datetime
from typing import Any

import httpx

from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, condition
from pilotlight.kube.kinds import POD
from pilotlight.start_phases import parse
from pilotlight_cluster.demo.scene import PodLine

MODEL = "kserve-container"
TIMEOUT_S = 2.0


def observe(cluster: Cluster, namespace: str, service: str) -> list[PodLine]:
    """The service's pods as they are now."""
    pods = cluster.list(POD, namespace, labels=f"serving.kserve.io/inferenceservice={service}")
    return [_line(pod) for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))]


def start_phases(cluster: Cluster, namespace: str, service: str) -> dict[str, float]:
    """Seconds of each phase of the newest pod's start, as the predictor measured them."""
    labels = f"serving.kserve.io/inferenceservice={service}"
    pods = [pod for pod in cluster.list(POD, namespace, labels=labels) if _address(pod)]
    if not pods:
        return {}
    newest = max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    page = httpx.get(
        f"http://{_address(newest)}:8080/metrics", timeout=TIMEOUT_S, trust_env=False
    ).text
    return parse(page)


def _line(pod: Document) -> PodLine:
    created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    age_s = (datetime.now(UTC) - created).total_seconds()
    state = _state(pod)
    return PodLine(pod["metadata"]["name"], state, state == "ready", max(0.0, age_s))


def _state(pod: Document) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "stopping"
    if not pod["spec"].get("nodeName"):
        return "waits for a node"
    model = _status(pod, MODEL)
    if not model or "waiting" in model["state"]:
        return "container starts"
    if "terminated" in model["state"]:
        return f"ended: {model['state']['terminated'].get('reason', 'unknown')}"
    # Not the container's: Knative gives its readiness probe to queue-proxy.
    ready = condition(pod, "Ready")
    return "ready" if ready and ready.is_true else "model loads"


def _status(pod: Document, container: str) -> dict[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return next((status for status in statuses if status["name"] == container), {})


def _address(pod: Document) -> str:
    return str(pod.get("status", {}).get("podIP", ""))
