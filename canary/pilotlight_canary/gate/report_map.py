"""Reports in ConfigMaps, which go away with their rollout."""

import asyncio
from typing import Any

from pilotlight.api.meta import API_VERSION
from pilotlight.kube.cluster import Cluster
from pilotlight_canary.gate.subject import Subject

KEY = "report.json"
SUMMARY = "summary"


async def keep(cluster: Cluster, subject: Subject, gate: str, summary: str, report: str) -> str:
    """Store a report in place of the last one, and return its link: ``configmap/NAME``.

    Args:
        cluster: Where.
        subject: Whose.
        gate: Of which gate; ends the name.
        summary: The verdict in words.
        report: The document.

    Raises:
        PilotlightError: It could not be stored.
    """
    name = f"{subject.rollout}-{gate}"
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": subject.namespace,
        "labels": {"pilotlight.dev/rollout": subject.rollout},
    }
    if subject.uid:
        owner = {
            "apiVersion": API_VERSION,
            "kind": "InferenceRollout",
            "name": subject.rollout,
            "uid": subject.uid,
        }
        metadata["ownerReferences"] = [owner]
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {SUMMARY: summary, KEY: report},
    }
    await asyncio.to_thread(cluster.apply, document, force=True)
    return f"configmap/{name}"
