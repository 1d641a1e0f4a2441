"""One InferenceService with its rollout in a namespace of its own; the test lets time pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pilotlight.api.meta import FloorClaim
from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Component
from pilotlight.clock import SimulatedClock
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE, REVISION, ROUTE
from pilotlight_canary.decision import Desired
from pilotlight_canary.kserve.act import Actor
from pilotlight_canary.kserve.observe import Observer
from pilotlight_canary.observation import ComponentView, Service
from tests.controlplane.canary.platform import HASH, Platform

NAME = "chat"
STABLE = "chat-predictor-00001"
CANARY = "chat-predictor-00002"
# Long after whatever the API server writes on the objects of a test.
NOW = 4_000_000_000.0


class Watched:
    """A cluster that remembers what was written to it."""

    def __init__(self, cluster: ApiServer) -> None:
        self._cluster = cluster
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        self.written.append(f"{document['kind']}/{document['metadata']['name']}")
        return self._cluster.create(document, dry_run=dry_run)

    def apply(self, document: Document, *, force: bool = False, dry_run: bool = False) -> Document:
        self.written.append(f"{document['kind']}/{document['metadata']['name']}")
        return self._cluster.apply(document, force=force, dry_run=dry_run)

    def patch(
        self, reference: Reference, change: Mapping[str, object], *, subresource: str = ""
    ) -> Document:
        where = f"/{subresource}" if subresource else ""
        self.written.append(f"{reference.kind.name}/{reference.name}{where}")
        return self._cluster.patch(reference, change, subresource=subresource)

    def delete(self, reference: Reference) -> bool:
        self.written.append(f"-{reference.kind.name}/{reference.name}")
        return self._cluster.delete(reference)


@dataclass
class Scene:
    """The actors, and what a test does to them."""

    cluster: ApiServer
    namespace: str

    def __post_init__(self) -> None:
        self.platform = Platform(self.cluster, self.namespace)
        self.watched = Watched(self.cluster)
        self.observer = Observer(self.cluster)
        self.actor = Actor(self.watched, SimulatedClock(NOW))

    def begin(self) -> None:
        """The service at its first version, all of the traffic on it."""
        self.create(INFERENCE_SERVICE, {"predictor": predictor("h1")})
        self.create(INFERENCE_ROLLOUT, {"targetRef": {"name": NAME}})
        self.settle()

    def create(self, kind: Kind, spec: dict[str, Any], name: str = NAME) -> None:
        self.cluster.create(
            {
                "apiVersion": kind.api_version,
                "kind": kind.name,
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": spec,
            }
        )

    def settle(self, looks: int = 4) -> None:
        """Let KServe and Knative work."""
        for _ in range(looks):
            self.platform.reconcile()

    def hold(self, digest: str = "h2", image: str = "good") -> None:
        """A new version, held at 0 % as the webhook does it."""
        change = predictor(digest, image) | {"canaryTrafficPercent": 0}
        self.patch(INFERENCE_SERVICE, NAME, {"spec": {"predictor": change}})
        self.settle()

    def patch(
        self, kind: Kind, name: str, change: dict[str, Any], *, subresource: str = ""
    ) -> None:
        self.cluster.patch(Reference(kind, name, self.namespace), change, subresource=subresource)

    def claim(self, *claims: FloorClaim, by: str = NAME, kind: Kind = INFERENCE_ROLLOUT) -> None:
        floors = [claim.model_dump(mode="json", by_alias=True) for claim in claims]
        self.patch(kind, by, {"status": {"floors": floors}}, subresource="status")

    @property
    def service(self) -> Service:
        found = self.observer.service(self.namespace, NAME)
        assert found is not None
        return found

    @property
    def view(self) -> ComponentView:
        return self.service.components[Component.PREDICTOR]

    @property
    def rollout(self) -> InferenceRollout:
        return InferenceRollout.model_validate(self.get(INFERENCE_ROLLOUT, NAME))

    def get(self, kind: Kind, name: str) -> Document:
        return self.cluster.get(Reference(kind, name, self.namespace))

    def carry_out(self, desired: Desired, service: Service | None = None) -> list[str]:
        """Have a decision carried out; what was written for it."""
        self.watched.written.clear()
        self.actor.carry_out(self.rollout, service or self.service, desired)
        return list(self.watched.written)

    def routes(self) -> Sequence[str]:
        """Names of our own Routes."""
        found = self.cluster.list(ROUTE, self.namespace, labels="pilotlight.dev/rollout")
        return sorted(route["metadata"]["name"] for route in found)

    def annotation(self, revision: str, name: str) -> str | None:
        found = self.get(REVISION, revision)["metadata"].get("annotations") or {}
        value: str | None = found.get(name)
        return value


def predictor(digest: str, image: str = "good") -> dict[str, Any]:
    """A component's spec."""
    return {
        "minReplicas": 1,
        "annotations": {HASH: digest},
        "containers": [{"name": "kserve-container", "image": image}],
    }
