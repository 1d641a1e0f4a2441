"""The InferenceService's templates by revision, so that an old one can be written back.

From a Revision nobody can tell what its InferenceService said: KServe has rendered it. So what
the service says is written down, while it still says it, into a ConfigMap that belongs to the
rollout.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pilotlight.api.meta import API_VERSION
from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Component
from pilotlight.errors import NotInCluster
from pilotlight.kserve.names import fitting
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import CONFIG_MAP
from pilotlight_canary.kserve.names import ROLLOUT

SUFFIX = "templates"
PERCENT = "canaryTrafficPercent"
# KServe acts on a change within a second; until then an old revision goes with a new spec.
QUIET = timedelta(seconds=5)
STATUS = "status"


def template_of(service: Document, component: Component) -> Document:
    """What makes a component's revisions: its spec but for the traffic, and the metadata."""
    metadata = service["metadata"]
    part = {name: value for name, value in service["spec"][component].items() if name != PERCENT}
    return {
        "component": str(component),
        "spec": part,
        "labels": metadata.get("labels") or {},
        "annotations": {
            name: value
            for name, value in (metadata.get("annotations") or {}).items()
            if name != "kubectl.kubernetes.io/last-applied-configuration"
        },
    }


def is_quiet(service: Document, now: datetime) -> bool:
    """Whether the last write to what it says, and not to its status, is long enough ago."""
    times = [
        datetime.fromisoformat(entry["time"])
        for entry in service["metadata"].get("managedFields") or []
        if entry.get("subresource") != STATUS and entry.get("time")
    ]
    return not times or max(times) + QUIET <= now


class Templates:
    """A rollout's ConfigMap of templates."""

    def __init__(self, cluster: Cluster, rollout: InferenceRollout) -> None:
        self._cluster = cluster
        self._rollout = rollout
        name = fitting(rollout.metadata.name, SUFFIX)
        self._reference = Reference(CONFIG_MAP, name, rollout.metadata.namespace)

    def revisions(self) -> frozenset[str]:
        """Those whose template is known."""
        return frozenset(self._read())

    def load(self, revision: str) -> Document | None:
        """A revision's template; ``None``: nobody has seen the service while it said that."""
        text = self._read().get(revision) if revision else None
        if text is None:
            return None
        template: Document = json.loads(text)
        return template

    def save(self, templates: Mapping[str, Document], keep: Iterable[str]) -> None:
        """Add templates, and drop those of revisions that need not be kept."""
        kept = set(keep) | set(templates)
        data: dict[str, str | None] = {name: None for name in self._read() if name not in kept}
        data |= {name: json.dumps(value, sort_keys=True) for name, value in templates.items()}
        try:
            self._cluster.patch(self._reference, {"data": data})
        except NotInCluster:
            self._cluster.create(self._document(data))

    def _read(self) -> Mapping[str, str]:
        try:
            document = self._cluster.get(self._reference)
        except NotInCluster:
            return {}
        data: Mapping[str, str] = document.get("data") or {}
        return data

    def _document(self, data: Mapping[str, Any]) -> Document:
        metadata = self._rollout.metadata
        owner = {
            "apiVersion": API_VERSION,
            "kind": "InferenceRollout",
            "name": metadata.name,
            "uid": metadata.uid,
            "controller": True,
        }
        return {
            "apiVersion": CONFIG_MAP.api_version,
            "kind": CONFIG_MAP.name,
            "metadata": {
                "name": self._reference.name,
                "namespace": self._reference.namespace,
                "labels": {ROLLOUT: fitting(metadata.name)},
                "ownerReferences": [owner],
            },
            "data": {name: text for name, text in data.items() if text is not None},
        }
