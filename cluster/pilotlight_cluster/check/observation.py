"""What a cluster looked like at one moment, as far as Pilotlight is concerned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pilotlight.kube.document import Kind

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Look(Generic[Seen]):
    """What was seen of one thing: the thing, nothing at all, or why it may not be seen."""

    value: Seen | None = None
    denied: str = ""


@dataclass(frozen=True)
class Workload:
    """A Deployment.

    Attributes:
        version: Its label ``app.kubernetes.io/version``; empty without one.
        grace_s: Seconds that its pods get to end.
    """

    ready: int
    wanted: int
    version: str = ""
    images: tuple[str, ...] = ()
    grace_s: int = 30


@dataclass(frozen=True)
class Webhook:
    """A webhook of an admission configuration.

    Attributes:
        trusted: It has a CA bundle, without which the API server calls nobody.
        namespace: Where its service runs; empty for one outside the cluster.
    """

    name: str
    trusted: bool
    namespace: str = ""


@dataclass(frozen=True)
class Action:
    """Something that Pilotlight does to objects in the namespace where models run."""

    verb: str
    group: str
    resource: str


@dataclass(frozen=True)
class Observation:
    """A cluster, read once.

    Attributes:
        kubectl: How to start kubectl for this cluster.
        namespace: Where models run.
        reader: Who has read all this.
        user: Whose permissions ``refused`` is about.
        kinds: The kinds that are served, of those that Pilotlight knows.
        config: Data of config maps by their names.
        workloads: Deployments by ``namespace/name``.
        services: Services by ``namespace/name``.
        webhooks: By the names of their configurations.
        refused: Actions that ``user`` is not permitted.
    """

    server: str
    kubectl: str
    kubernetes: str
    namespace: str
    reader: str
    user: str
    kserve_namespace: str
    kinds: frozenset[Kind]
    namespaces: Mapping[str, Look[Mapping[str, str]]] = field(default_factory=dict)
    config: Mapping[str, Look[Mapping[str, str]]] = field(default_factory=dict)
    workloads: Mapping[str, Look[Workload]] = field(default_factory=dict)
    services: Mapping[str, Look[bool]] = field(default_factory=dict)
    webhooks: Mapping[str, Look[tuple[Webhook, ...]]] = field(default_factory=dict)
    refused: frozenset[Action] = frozenset()

    def denied(self) -> Iterator[str]:
        """What may not be seen, by name."""
        for what, looks in (
            ("namespace", self.namespaces),
            ("config map", self.config),
            ("deployment", self.workloads),
            ("service", self.services),
            ("webhooks", self.webhooks),
        ):
            for name, look in looks.items():
                if look.denied:
                    yield f"{what} {name}"

    def settings(self, name: str) -> Mapping[str, str] | None:
        """A config map's data, or ``None`` if it is not there or may not be seen."""
        look = self.config.get(name)
        return look.value if look else None

    def workload(self, name: str) -> Workload | None:
        """A deployment by ``namespace/name``, if it was seen."""
        look = self.workloads.get(name)
        return look.value if look else None
