"""Objects as the API server gives them."""

from typing import Any

from pilotlight.kube.document import Document

NAMESPACE = "team"
MADE = "2026-11-21T10:00:00Z"


def entry(type_: str, status: str = "True", reason: str = "", message: str = "") -> Document:
    return {"type": type_, "status": status, "reason": reason, "message": message} | {
        "lastTransitionTime": "2026-11-21T10:01:10Z"
    }


def named(kind: str, name: str, **metadata: Any) -> Document:
    common = {"name": name, "namespace": NAMESPACE, "resourceVersion": "1", "generation": 1}
    return {"kind": kind, "metadata": common | {"creationTimestamp": MADE} | metadata}


def of_service(component: str = "predictor", service: str = "chat") -> dict[str, str]:
    return {"serving.kserve.io/inferenceservice": service, "component": component}


def pod(
    name: str,
    version: str = "chat-predictor-00001",
    *,
    ready: bool = True,
    node: str = "n1",
    restarts: int = 0,
    started: str = "2026-11-21T10:00:25Z",
    **labels: str,
) -> Document:
    """A pod of a revision."""
    conditions = [entry("Ready", "True" if ready else "False")]
    if not node:
        conditions.append(entry("PodScheduled", "False", "Unschedulable", "0/1 nodes: gpu"))
    container: Document = {"name": "kserve-container", "restartCount": restarts}
    if node:
        container["state"] = {"running": {"startedAt": started}}
    all_labels = of_service() | {"serving.knative.dev/revision": version} | labels
    return named("Pod", name, labels=all_labels) | {
        "spec": {
            "nodeName": node,
            "containers": [
                {"name": "queue-proxy", "ports": [{"name": "http", "containerPort": 8012}]},
                {
                    "name": "kserve-container",
                    "ports": [{"name": "user-port", "containerPort": 9000}],
                },
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "conditions": conditions,
            "containerStatuses": [container],
        },
    }


def revision(name: str, component: str = "predictor", **annotations: str) -> Document:
    resources = {"limits": {"nvidia.com/gpu": "2", "cpu": "4"}}
    return named(
        "Revision",
        name,
        labels=of_service(component),
        annotations={key.replace("_", "-"): value for key, value in annotations.items()},
    ) | {
        "spec": {"containers": [{"resources": resources}], "containerConcurrency": 8},
        "status": {"observedGeneration": 1, "conditions": [entry("Ready")]},
    }


def route(percents: dict[str, int], component: str = "predictor", ready: str = "True") -> Document:
    traffic = [{"revisionName": name, "percent": percent} for name, percent in percents.items()]
    return named("Route", f"chat-{component}", labels=of_service(component)) | {
        "status": {
            "traffic": traffic,
            "conditions": [entry("Ready", ready), entry("AllTrafficAssigned")],
        }
    }


def service(
    mode: str = "Knative", scaler: str = "", annotations: dict[str, str] | None = None, **spec: Any
) -> Document:
    told = dict(annotations or {})
    if scaler:
        told["serving.kserve.io/autoscalerClass"] = scaler
    return named("InferenceService", "chat", annotations=told) | {
        "spec": {"predictor": spec},
        "status": {"deploymentMode": mode},
    }


def deployment(name: str = "chat-predictor", **status: Any) -> Document:
    resources = {"limits": {"amd.com/gpu": "1"}}
    return named("Deployment", name, labels=of_service()) | {
        "spec": {"template": {"spec": {"containers": [{"resources": resources}]}}},
        "status": status,
    }


def scaled_object(name: str = "mine", target: str = "chat-predictor", **spec: Any) -> Document:
    return named("ScaledObject", name) | {"spec": {"scaleTargetRef": {"name": target}} | spec}
