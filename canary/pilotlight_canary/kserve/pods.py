"""How a revision's pods are."""

from collections.abc import Iterable, Mapping
from typing import Any

from pilotlight.kserve.names import REVISION, labels
from pilotlight.kube.document import Document, condition
from pilotlight.kube.resources import ENDED
from pilotlight_canary.observation import Pods

# A container that waits for one of these does not start by itself.
STUCK = frozenset(
    {
        "CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "InvalidImageName",
        "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
    }
)  # fmt: skip


def by_revision(pods: Iterable[Document]) -> dict[str, list[Document]]:
    """Pods that are not being deleted and have not ended, by the revision that they are of."""
    found: dict[str, list[Document]] = {}
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        if (pod.get("status") or {}).get("phase") in ENDED:
            continue
        found.setdefault(labels(pod).get(REVISION, ""), []).append(pod)
    return found


def pods_of(pods: Iterable[Document]) -> Pods:
    """Sum up the pods of one revision."""
    total = ready = restarts = 0
    unschedulable = crash = ended = ""
    for pod in pods:
        total += 1
        found = condition(pod, "Ready")
        ready += found is not None and found.is_true
        place = condition(pod, "PodScheduled")
        if place is not None and place.is_false:
            unschedulable = unschedulable or f"{place.reason}: {place.message}"
        for container in _containers(pod):
            restarts += container.get("restartCount", 0)
            crash = crash or _crash(container)
            ended = ended or _last_ending(container)
    return Pods(total, ready, restarts, unschedulable, crash, ended)


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]


def _crash(container: Mapping[str, Any]) -> str:
    """Why a container is not up, if it failed; empty for one that runs or is yet to start."""
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    ended = _last_ending(container)
    if waiting.get("reason") in STUCK:
        return f"{waiting['reason']}: {ended or waiting.get('message') or 'it does not start'}"
    return _ending(state)


def _last_ending(container: Mapping[str, Any]) -> str:
    """How a container failed last; empty if it never did."""
    return _ending(container.get("state") or {}) or _ending(container.get("lastState") or {})


def _ending(state: Mapping[str, Any]) -> str:
    ended = state.get("terminated") or {}
    code = ended.get("exitCode", 0)
    if not code:
        return ""
    reason = ended.get("reason") or "Error"
    said = (ended.get("message") or "").strip()[-200:]
    return f"{'' if reason == 'Error' else reason + ', '}exit code {code}" + (
        f": {said}" if said else ""
    )
