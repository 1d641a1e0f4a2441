"""A stand-in with a warm pool over it: what the pool holds, and what is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotlight.api.warmpool import WarmPool, WarmPoolStatus
from pilotlight.floors.bounds import MIN_SCALE
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import REVISION, WARM_POOL
from tests.e2e.gateway import Endpoint
from tests.e2e.standin.service import StandInService
from tests.e2e.waiting import until
from tests.e2e.workspace import QUICK_TO_ZERO, Workspace, is_ready

HELD_S = 60.0
GONE_S = 120.0


@dataclass(frozen=True)
class Warmed:
    """An InferenceService of stand-ins that sleeps at zero, and its WarmPool of the same name."""

    workspace: Workspace
    name: str
    service: Mapping[str, Any] = field(default_factory=dict)
    """More arguments of the StandInService."""

    def deploy(self, **behaviour: object) -> Endpoint:
        """The service, once it is ready."""
        chosen = {"annotations": QUICK_TO_ZERO, **self.service}
        return self.workspace.deploy(StandInService(self.name, behaviour, **chosen))

    def pool(self, **spec: object) -> None:
        """Apply the warm pool, with no forecast unless it is asked for."""
        chosen = {"targetRef": {"name": self.name}, "forecast": False, **spec}
        metadata = {"name": self.name}
        kind = {"apiVersion": WARM_POOL.api_version, "kind": WARM_POOL.name}
        self.workspace.apply([{**kind, "metadata": metadata, "spec": chosen}])

    def release(self) -> None:
        """Delete the warm pool."""
        self.workspace.cluster.api.delete(self._reference)

    def read(self) -> WarmPool:
        """The warm pool."""
        return WarmPool.model_validate(self.workspace.cluster.api.get(self._reference))

    def status(self) -> WarmPoolStatus:
        """What it says now."""
        return self.read().status

    def revisions(self) -> list[Document]:
        """Of the service."""
        labels = f"serving.kserve.io/inferenceservice={self.name}"
        return list(
            self.workspace.cluster.api.list(REVISION, self.workspace.namespace, labels=labels)
        )

    def floor(self) -> str | None:
        """As it is written on the service's only revision."""
        (revision,) = self.revisions()
        found: str | None = (revision["metadata"].get("annotations") or {}).get(MIN_SCALE)
        return found

    def ready(self) -> int:
        """Replicas that answer and stay."""
        return sum(is_ready(pod) for pod in self.workspace.pods(self.name, leaving=False))

    def until_floor(self, replicas: int, timeout_s: float = HELD_S) -> None:
        """Wait until so much is held."""
        held = str(replicas)
        until(f"a floor of {held}", lambda: self.floor() == held, timeout_s)

    def until_asleep(self) -> None:
        """Wait until no pod stays; one that leaves gets no more requests."""
        until("all leave", lambda: not self.workspace.pods(self.name, leaving=False), GONE_S)

    @property
    def _reference(self) -> Reference:
        return Reference(WARM_POOL, self.name, self.workspace.namespace)


def minute_after(moment: datetime) -> datetime:
    """The next full minute."""
    return (moment + timedelta(minutes=1)).replace(second=0, microsecond=0)


def schedule(start: datetime, replicas: int = 1, lasts: timedelta = timedelta(hours=1)) -> Document:
    """Replicas from a minute on, every day."""
    end = start + lasts
    return {
        "timezone": "UTC",
        "start": f"{start:%M %H} * * *",
        "end": f"{end:%M %H} * * *",
        "desiredReplicas": replicas,
    }


def now() -> datetime:
    """The machine's time, which is the cluster's."""
    return datetime.now(UTC)
