"""The replicas of a version: how many there are, where they tell, how long their starts took."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pilotlight.kserve.names import REVISION, annotations, labels
from pilotlight.kube.document import Document, condition
from pilotlight.kube.resources import ENDED
from pilotlight_autoscaler.metrics.places import address_of
from pilotlight_autoscaler.metrics.subject import Pod

SERVER = "kserve-container"
SERVER_PORT = "user-port"
PORT_ANNOTATION = "prometheus.io/port"
PATH_ANNOTATION = "prometheus.io/path"
LONGEST_START_S = 3600.0
"""Who became ready later than this has been ready before, and not ready in between."""


def version_of(pod: Document) -> str:
    """The name of the revision, or of the Deployment, that a pod is of; empty: of neither."""
    if revision := labels(pod).get(REVISION):
        return revision
    for owner in pod["metadata"].get("ownerReferences") or []:
        if owner.get("kind") == "ReplicaSet":
            return str(owner.get("name", "")).rpartition("-")[0]
    return ""


def by_version(pods: Iterable[Document]) -> dict[str, list[Document]]:
    """Pods that are not leaving and have not ended, by the version that they are of."""
    found: dict[str, list[Document]] = {}
    for pod in pods:
        is_leaving = bool(pod["metadata"].get("deletionTimestamp"))
        if not is_leaving and (pod.get("status") or {}).get("phase") not in ENDED:
            found.setdefault(version_of(pod), []).append(pod)
    return found


def is_ready(pod: Document) -> bool:
    """Whether it gets requests."""
    found = condition(pod, "Ready")
    return found is not None and found.is_true


def has_node(pod: Document) -> bool:
    """Whether the scheduler has found it a place."""
    return bool((pod.get("spec") or {}).get("nodeName"))


def unschedulable(pods: Iterable[Document]) -> str:
    """The scheduler's words on the first pod that finds no room; empty: all have some."""
    for pod in pods:
        found = condition(pod, "PodScheduled")
        if found is not None and found.is_false:
            return ": ".join(part for part in (found.reason, found.message) if part)
    return ""


def replica(pod: Document) -> Pod:
    """A pod as its figures are asked for."""
    told = annotations(pod)
    return Pod(
        name=pod["metadata"]["name"],
        revision=labels(pod).get(REVISION, ""),
        address=address_of(pod),
        ready=is_ready(pod),
        port=_port(pod),
        path=told.get(PATH_ANNOTATION, "/metrics"),
        waited_s=_waited_s(pod),
        started_s=_started_s(pod),
    )


def _port(pod: Document) -> int:
    told = annotations(pod).get(PORT_ANNOTATION, "")
    ports = [
        port
        for container in (pod.get("spec") or {}).get("containers") or []
        for port in container.get("ports") or []
        if port.get("name") == SERVER_PORT or container.get("name") == SERVER
    ]
    named = sorted(ports, key=lambda port: port.get("name") != SERVER_PORT)
    if named:
        return int(named[0]["containerPort"])
    return int(told) if told.isdecimal() else 8080


def _waited_s(pod: Document) -> float | None:
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        if container.get("name") == SERVER and not container.get("restartCount"):
            running = (container.get("state") or {}).get("running") or {}
            return _since_creation(pod, running.get("startedAt"))
    return None


def _started_s(pod: Document) -> float | None:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    if not is_ready(pod) or any(status.get("restartCount") for status in statuses):
        return None
    for entry in pod["status"]["conditions"]:
        if entry["type"] == "Ready":
            seconds = _since_creation(pod, entry.get("lastTransitionTime"))
            return seconds if seconds is None or seconds <= LONGEST_START_S else None
    return None


def _since_creation(pod: Mapping[str, Any], moment: str | None) -> float | None:
    created = pod["metadata"].get("creationTimestamp")
    if not moment or not created:
        return None
    between = datetime.fromisoformat(moment) - datetime.fromisoformat(created)
    return max(0.0, between.total_seconds())
