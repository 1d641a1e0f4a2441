"""What Knative makes of a revision, second by second, and when its autoscaler looks."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from pilotlight.errors import ClusterError
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, condition
from pilotlight.kube.kinds import DEPLOYMENT, POD

POLL_S = 0.1
TICK_S = 2.0
REVISION = "serving.knative.dev/revision"
AUTOSCALER_PORT = 9090
# Set anew at each look of the autoscaler, and at no other time.
TICKED = ("kn_revision_concurrency_stable", "kn_revision_concurrency_panic")


@dataclass
class Seen:
    """One revision over time; times are of the wall clock.

    Attributes:
        wanted: Replicas that its Deployment is told to have, from each time on.
        starts: By pod, from its making until it was ready, in seconds.
        ticks: When the autoscaler's figures of it changed.
    """

    wanted: list[tuple[float, int]] = field(default_factory=list)
    starts: dict[str, tuple[float, float]] = field(default_factory=dict)
    ticks: list[float] = field(default_factory=list)
    figures: tuple[float, ...] = ()

    def start_times_s(self) -> tuple[float, ...]:
        """How long starts took, in order of the pods' making."""
        return tuple(took for _, took in sorted(self.starts.values()))

    def tick_s(self) -> float:
        """Where in its two seconds the autoscaler looks: the middle of what was seen, circular."""
        angles = [2 * math.pi * (at % TICK_S) / TICK_S for at in self.ticks]
        mean = math.atan2(sum(map(math.sin, angles)), sum(map(math.cos, angles)))
        return (mean / (2 * math.pi) * TICK_S) % TICK_S


class Watch:
    """Looks at revisions of a namespace from entering to leaving.

    Args:
        cluster: Where they are.
        namespace: Of the revisions.
        revisions: Their names.
    """

    def __init__(self, cluster: ApiServer, namespace: str, revisions: Sequence[str]) -> None:
        self.seen = {revision: Seen() for revision in revisions}
        self._cluster = cluster
        self._namespace = namespace
        self._stop = threading.Event()
        self._begun = time.time()
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._scale, self._tick)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _scale(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                deployments = self._cluster.list(DEPLOYMENT, self._namespace)
                now = time.time()
                pods = self._cluster.list(POD, self._namespace)
            except ClusterError:
                continue
            for deployment in deployments:
                self._took(deployment, now)
            for pod in pods:
                self._started(pod)

    def _took(self, deployment: Document, now: float) -> None:
        revision = (deployment["metadata"].get("labels") or {}).get(REVISION, "")
        if seen := self.seen.get(revision):
            replicas = int(deployment["spec"].get("replicas") or 0)
            if not seen.wanted or seen.wanted[-1][1] != replicas:
                seen.wanted.append((now, replicas))

    def _started(self, pod: Document) -> None:
        metadata = pod["metadata"]
        seen = self.seen.get((metadata.get("labels") or {}).get(REVISION, ""))
        ready = condition(pod, "Ready")
        if seen is None or metadata["name"] in seen.starts or not (ready and ready.is_true):
            return
        # Kubernetes' own times are whole seconds: of the wish this poll knows better.
        made = datetime.fromisoformat(metadata["creationTimestamp"]).timestamp()
        if metadata.get("deletionTimestamp") or made < self._begun:
            return
        asked = max((at for at, _ in seen.wanted if at <= made + 1.5), default=made)
        seen.starts[metadata["name"]] = (asked, max(0.1, time.time() - asked))

    def _tick(self) -> None:
        address = self._autoscaler()
        with httpx.Client(timeout=2) as client:
            while not self._stop.wait(POLL_S):
                try:
                    page = client.get(f"http://{address}:{AUTOSCALER_PORT}/metrics").text
                except httpx.HTTPError:
                    continue
                self._figures(page, time.time())

    def _figures(self, page: str, now: float) -> None:
        told: dict[str, list[float]] = {}
        lines = "\n".join(
            line for line in page.splitlines() if any(name in line for name in TICKED)
        )
        for family in text_string_to_metric_families(lines + "\n"):
            for sample in family.samples:
                revision = sample.labels.get("kn_revision_name", "")
                told.setdefault(revision, []).append(sample.value)
        for revision, seen in self.seen.items():
            figures = tuple(told.get(revision, ()))
            if seen.figures and figures != seen.figures:
                seen.ticks.append(now)
            seen.figures = figures

    def _autoscaler(self) -> str:
        pods = self._cluster.list(POD, "knative-serving", labels="app=autoscaler")
        return str(pods[0]["status"]["podIP"])


def annotations_of(revision: Document) -> Mapping[str, str]:
    """Of a Revision."""
    found: Mapping[str, str] = revision["metadata"].get("annotations") or {}
    return found
