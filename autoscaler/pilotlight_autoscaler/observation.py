"""What is seen of a warm pool's surroundings at one moment: frozen values, made by adapters."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pilotlight.api.warmpool import Term
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.economics import Economics

PREDICTOR = "predictor"


class Lever(StrEnum):
    """What holds a service's floor."""

    KNATIVE = "Knative"
    STANDARD = "Standard"
    KEDA = "KEDA"


@dataclass(frozen=True)
class Revision:
    """A version of one component, with pods of its own."""

    name: str
    component: str = PREDICTOR
    percent: int = 0
    """Of the traffic, as the gateway splits now."""
    floor: int = 0
    """Its minimum now."""
    ceiling: int | None = None
    """Its max-scale; ``None``: no bound."""
    ready: int = 0
    starting: int = 0
    """Pods that are there, not ready, and have a node."""
    unschedulable: str = ""
    """The scheduler's or the quota's own words, if a pod finds no room."""


@dataclass(frozen=True)
class Service:
    """The InferenceService that a warm pool targets."""

    name: str
    namespace: str
    lever: Lever = Lever.KNATIVE
    revisions: tuple[Revision, ...] = ()
    """All that exist, whether they carry traffic or not."""
    target_concurrency: float | None = None
    """Requests in flight that one replica is meant for; ``None``: not known."""
    sleep_levels: frozenset[int] = frozenset()
    """Levels at which its replicas can be put to sleep: it takes vLLM's sleep mode on a GPU."""
    floor_needs_room: bool = False
    """Knative drops a revision's floor while a pod of it finds no room: it is set up to."""


@dataclass(frozen=True)
class Sample:
    """One figure and how old it is."""

    value: float
    age_s: float = 0.0


@dataclass(frozen=True)
class Signals:
    """Load as the replicas show it, means over ready ones; ``None``: nobody tells."""

    concurrency: Sample | None = None
    """Requests in flight, of all replicas together."""
    queue_depth: Sample | None = None
    """Requests that wait inside a replica."""
    kv_cache: Sample | None = None
    """Share of the KV cache in use, 0 to 1."""
    gpu: Sample | None = None
    """Share of the time that a GPU was busy, 0 to 1."""


class Forecast(Protocol):
    """What was learnt of a service's demand."""

    def terms(self, recent: Recent, economics: Economics, now_s: float) -> tuple[Term, ...]:
        """The floors that the expected demand asks for, each with its reason.

        A look asks more than once: for now, for a little later, with other prices. What does not
        depend on the time within one idle time is best computed once for it.

        Args:
            recent: The demand of this moment.
            economics: Prices and the horizon.
            now_s: The time, in seconds since the epoch.
        """
        ...


@dataclass(frozen=True)
class Rollout:
    """A rollout that is under way on the same service."""

    stable: str
    canary: str
    weight: int
    """Percentage that the canary has, or is about to have."""


@dataclass(frozen=True)
class Counted:
    """Requests since whoever counts began to; a smaller figure than before begins anew."""

    requests: int
    cold: int
    """Those among them that waited because no replica was ready."""


@dataclass(frozen=True)
class Observation:
    """All that a decision is made from, besides the spec, the status and the time."""

    service: Service | None
    """``None``: there is no such InferenceService."""
    recent: Recent | None = None
    """``None``: nobody can tell."""
    recent_age_s: float = 0.0
    signals: Signals = field(default_factory=Signals)
    forecast: Forecast | None = None
    """``None``: nothing was learnt yet."""
    cold_start_s: float | None = None
    """The 95th percentile of the starts measured on this service."""
    gpus_per_replica: int = 0
    granted: int | None = None
    """Replicas that the budget's allocation allows; ``None``: it was not asked."""
    rollout: Rollout | None = None
    counted: Counted | None = None
