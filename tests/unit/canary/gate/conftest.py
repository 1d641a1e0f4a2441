"""The gate's surroundings: real stand-ins, and a cluster that holds a few objects."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pilotlight.api.rollout import RolloutPolicy
from pilotlight.errors import NotInCluster, NotReached
from pilotlight.kube.document import Document, Kind, Reference, reference_to
from pilotlight_canary.gate.address import Address
from pilotlight_canary.gate.subject import Subject
from tests.unit.standin.conftest import StandIn, folder, start

__all__ = ["folder", "start"]


@dataclass
class Shelf:
    """A ``Cluster`` of ConfigMaps and Secrets, which can be out of reach."""

    objects: dict[Reference, Document] = field(default_factory=dict)
    is_out: bool = False
    server: str = "shelf"
    namespace: str = "models"

    def put(self, kind: str, name: str, **data: str) -> None:
        document = {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "data": data,
        }
        self.objects[reference_to(document)] = document

    def put_secret(self, name: str, **data: str) -> None:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
        self.put("Secret", name, **encoded)

    def get(self, reference: Reference) -> Document:
        if self.is_out:
            raise NotReached("the API server does not answer")
        if reference not in self.objects:
            raise NotInCluster(f"cannot get {reference}: not found")
        return self.objects[reference]

    def apply(self, document: Document, *, force: bool = False, dry_run: bool = False) -> Document:
        if self.is_out:
            raise NotReached("the API server does not answer")
        self.objects[reference_to(document)] = document
        return document

    def version(self) -> str:
        raise NotImplementedError

    def serves(self, kind: Kind) -> bool:
        raise NotImplementedError

    def list(
        self, kind: Kind, namespace: str | None = None, *, labels: str = ""
    ) -> Sequence[Document]:
        raise NotImplementedError

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        raise NotImplementedError

    def patch(
        self, reference: Reference, change: Mapping[str, object], *, subresource: str = ""
    ) -> Document:
        raise NotImplementedError

    def delete(self, reference: Reference) -> bool:
        raise NotImplementedError


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def subject(
    stable: StandIn | str, canary: StandIn | str, *, pods: int = 1, **policy: Any
) -> Subject:
    """A rollout between two servers."""
    urls = [each if isinstance(each, str) else each.url for each in (stable, canary)]
    return Subject(
        rollout="chat",
        namespace="models",
        policy=RolloutPolicy.model_validate(policy),
        stable=Address(urls[0]),
        canary=Address(urls[1]),
        uid="0-1",
        stable_revision="chat-00001",
        canary_revision="chat-00002",
        pods=pods,
    )


def counted(standin: StandIn, metric: str, *labels: str) -> float:
    """The sum of a metric's samples that have all these labels, whatever others they have."""
    lines = standin.get("/metrics").text.splitlines()
    wanted = [line for line in lines if line.startswith((f"{metric} ", f"{metric}{{"))]
    return sum(float(line.split()[-1]) for line in wanted if all(x in line for x in labels))


def answered(standin: StandIn, code: str = "") -> float:
    """How many requests it answered, all or those with a status."""
    label = [f'code="{code}"'] if code else []
    return counted(standin, "pilotlight_predictor_http_requests_total", *label)
