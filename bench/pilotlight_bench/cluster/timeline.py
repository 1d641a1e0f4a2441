"""What a pod goes through from its request to its first token, seen from outside.

The times that Kubernetes writes down are whole seconds, and a start has steps of milliseconds:
so the pods are looked at ten times a second, and each step counts from when it is first seen.
"""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from pilotlight.errors import ClusterError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, condition
from pilotlight.kube.kinds import POD

CONTAINER = "kserve-container"
INTERVAL_S = 0.1


class Milestone(StrEnum):
    """A step that a pod has reached."""

    CREATED = "created"
    SCHEDULED = "scheduled"
    SANDBOX = "sandbox"
    STARTED = "started"
    READY = "ready"


def reached(pod: Mapping[str, Any], container: str = CONTAINER) -> set[Milestone]:
    """The steps that a pod has behind it."""
    document = dict(pod)
    milestones = {Milestone.CREATED}
    for milestone, type_ in (
        (Milestone.SCHEDULED, "PodScheduled"),
        (Milestone.SANDBOX, "PodReadyToStartContainers"),
        (Milestone.READY, "Ready"),
    ):
        found = condition(document, type_)
        if found is not None and found.is_true:
            milestones.add(milestone)
    for status in (document.get("status") or {}).get("containerStatuses") or []:
        if status["name"] == container and "running" in (status.get("state") or {}):
            milestones.add(Milestone.STARTED)
    return milestones


@dataclass
class Timeline:
    """When one pod was first seen at each milestone, on the monotonic clock."""

    seen: dict[Milestone, float] = field(default_factory=dict)

    def look(self, pod: Mapping[str, Any], now: float) -> None:
        """Take in what the pod is like now."""
        for milestone in reached(pod):
            self.seen.setdefault(milestone, now)

    def breakdown(self, asked: float, first_token: float) -> dict[str, float]:
        """Seconds by phase, from the request to its first token; the sum is the whole.

        A step that was not seen has no entry, and its time is in the phase that follows.
        """
        steps = (
            ("scale_up", self.seen.get(Milestone.CREATED)),
            ("schedule", self.seen.get(Milestone.SCHEDULED)),
            ("sandbox", self.seen.get(Milestone.SANDBOX)),
            ("container", self.seen.get(Milestone.STARTED)),
            ("boot", self.seen.get(Milestone.READY)),
            ("answer", first_token),
        )
        phases, before = {}, asked
        for name, at in steps:
            if at is not None:
                # Ready may be seen a little after the token that it let through.
                until = min(max(at, before), first_token)
                phases[name] = until - before
                before = until
        return phases


class PodWatch:
    """Watches the new pods of an InferenceService in a thread of its own, from enter to exit.

    Args:
        cluster: A connection that nobody else uses meanwhile.
        namespace: Where.
        service: The InferenceService.
    """

    def __init__(self, cluster: Cluster, namespace: str, service: str) -> None:
        self.timelines: dict[str, Timeline] = {}
        self._cluster = cluster
        self._namespace = namespace
        self._labels = f"serving.kserve.io/inferenceservice={service}"
        self._before: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._before = {pod["metadata"]["name"] for pod in self._pods()}
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def wait_ready(self, timeout_s: float = 10.0) -> None:
        """Look on until a pod is ready: Kubernetes may tell so after it has answered already.

        Args:
            timeout_s: For how long; then its start has one phase less.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and Milestone.READY not in self.first.seen:
            time.sleep(INTERVAL_S)

    @property
    def first(self) -> Timeline:
        """The pod that was ready first, or else created first; empty when none was seen."""

        def key(timeline: Timeline) -> tuple[float, float]:
            ready = timeline.seen.get(Milestone.READY, math.inf)
            return ready, timeline.seen.get(Milestone.CREATED, math.inf)

        return min(list(self.timelines.values()), key=key, default=Timeline())

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            try:
                pods = self._pods()
            except ClusterError:
                # One look less: the next one is a tenth of a second away.
                continue
            now = time.monotonic()
            for pod in pods:
                name = pod["metadata"]["name"]
                if name not in self._before:
                    self.timelines.setdefault(name, Timeline()).look(pod, now)

    def _pods(self) -> list[Document]:
        return list(self._cluster.list(POD, self._namespace, labels=self._labels))
