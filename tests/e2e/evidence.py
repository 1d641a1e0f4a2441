"""What a failed test shows of the cluster."""

from typing import Any

from pilotlight.errors import PilotlightError
from pilotlight.kube.kinds import EVENT, INFERENCE_SERVICE, POD, REVISION
from tests.e2e.local_cluster import LocalCluster

EVENTS = 25
LOG_LINES = "40"


def collect(cluster: LocalCluster, namespace: str) -> str:
    """Services, revisions, pods, events and the last log lines of a namespace."""
    parts = []
    for look in (_objects, _pods, _events, _logs):
        try:
            parts.append(look(cluster, namespace))
        except (PilotlightError, AssertionError, OSError) as error:
            parts.append(f"(cannot look: {error})")
    return "\n".join(parts)


def _objects(cluster: LocalCluster, namespace: str) -> str:
    lines = []
    for kind in (INFERENCE_SERVICE, REVISION):
        for found in cluster.api.list(kind, namespace):
            lines.append(f"{kind.name} {found['metadata']['name']}")
            lines += [f"    {line}" for line in _conditions(found)]
    return "\n".join(lines)


def _pods(cluster: LocalCluster, namespace: str) -> str:
    lines = []
    for pod in cluster.api.list(POD, namespace):
        leaving = pod["metadata"].get("deletionTimestamp", "")
        lines.append(
            f"Pod {pod['metadata']['name']}: {pod['status'].get('phase')}"
            + (f", deleted at {leaving}" if leaving else "")
        )
        lines += [f"    {line}" for line in _conditions(pod)]
        for container in pod["status"].get("containerStatuses", []):
            lines.append(f"    {container['name']}: {container.get('state')}")
            if container.get("lastState"):
                lines.append(f"        before: {container['lastState']}")
    return "\n".join(lines)


def _conditions(document: dict[str, Any]) -> list[str]:
    return [
        f"{entry['type']}={entry['status']} {entry.get('reason', '')} {entry.get('message', '')}"
        for entry in document.get("status", {}).get("conditions", [])
        if entry["status"] != "True"
    ]


def _events(cluster: LocalCluster, namespace: str) -> str:
    events = cluster.api.list(EVENT, namespace)
    lines = [
        f"{event.get('lastTimestamp') or event.get('eventTime')} "
        f"{event['involvedObject']['kind']}/{event['involvedObject'].get('name')} "
        f"{event.get('reason')}: {event.get('message')}"
        for event in events
    ]
    return "\n".join(sorted(lines)[-EVENTS:])


def _logs(cluster: LocalCluster, namespace: str) -> str:
    texts = []
    for pod in cluster.api.list(POD, namespace):
        name = pod["metadata"]["name"]
        arguments = ("-n", namespace, name, "--all-containers", "--prefix", f"--tail={LOG_LINES}")
        texts.append(f"--- log of {name}\n{cluster.kubectl('logs', *arguments)}")
    return "\n".join(texts)
