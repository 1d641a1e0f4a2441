"""What is seen of a rollout's surroundings at one moment: frozen values, made by adapters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pilotlight.api.rollout_status import Component, TaskState


class Readiness(StrEnum):
    """Whether Knative could bring a revision up."""

    UNKNOWN = "unknown"
    READY = "ready"
    FAILED = "failed"


class Role(StrEnum):
    """Which of the two versions one of our Routes leads to."""

    STABLE = "stable"
    CANARY = "canary"


@dataclass(frozen=True)
class Pods:
    """The pods of a revision; counts are of pods that are not being deleted."""

    total: int = 0
    ready: int = 0
    restarts: int = 0
    """Of all their containers, together."""
    unschedulable: str = ""
    """The scheduler's or the quota's own words, if a pod finds no room."""
    crash: str = ""
    """Why a container does not stay up, as in ``CrashLoopBackOff: exit code 1``."""
    ended: str = ""
    """How one failed last, though it may run again by now."""


@dataclass(frozen=True)
class Revision:
    """A Knative revision."""

    name: str
    component: Component
    created_at: datetime
    template_hash: str = ""
    """Its annotation ``pilotlight.dev/template-hash``; empty on one that nobody held."""
    readiness: Readiness = Readiness.UNKNOWN
    message: str = ""
    """Why it is not ready, in Knative's words."""
    pods: Pods = Pods()
    floor: int = 0
    """Its min-scale now."""
    ceiling: int | None = None
    """Its max-scale; ``None``: no bound."""
    kept: bool = False
    """We have told Knative's garbage collection to leave it."""


@dataclass(frozen=True)
class ComponentView:
    """What KServe says of one component's versions."""

    percent: int | None
    """``canaryTrafficPercent`` of its spec."""
    template_hash: str
    """The annotation ``pilotlight.dev/template-hash`` of its spec; empty: never held."""
    latest_created: str = ""
    latest_ready: str = ""
    rolled_out: str = ""
    previous: str = ""
    traffic: Mapping[str, int] = field(default_factory=dict)
    """Percentage by revision, as the gateway splits now; empty while it changes over."""


@dataclass(frozen=True)
class Service:
    """The InferenceService that a rollout targets."""

    name: str
    namespace: str
    uid: str
    resource_version: str
    settled: bool
    """KServe and Knative have seen the spec as it is now."""
    mode: str
    """KServe's deployment mode: only ``Knative`` (once ``Serverless``) can split traffic."""
    components: Mapping[Component, ComponentView]
    revisions: Mapping[str, Revision]
    generation: int = 0
    """Of its spec: KServe's own writes, to its status, leave it as it is."""
    unsettled: str = ""
    """What is still to come before it is settled, in words."""


@dataclass(frozen=True)
class OwnRoute:
    """A cluster-local Knative Route of ours, to one revision."""

    revision: str
    ready: bool
    url: str = ""
    message: str = ""


@dataclass(frozen=True)
class Room:
    """Whether the cluster can take the canary's pods."""

    replicas: int
    """So many pods more would find a place; counted up to what was asked for."""
    reason: str = ""
    """What is short, in words, if not all of them."""


@dataclass(frozen=True)
class Counts:
    """One check in one stratum over one interval: bad among all, of both versions."""

    canary_bad: int
    canary_total: int
    stable_bad: int
    stable_total: int


@dataclass(frozen=True)
class Interval:
    """What the counters did since the last look."""

    seconds: float
    counts: Mapping[tuple[str, str], Counts]
    """By check and stratum; ``""`` where a check has no strata."""
    arrivals: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By stratum, the requests that came to (canary, stable)."""
    canary_error_ratio: float | None = None
    """Share of the canary's answers that failed; ``None`` without answers."""
    canary_stall_s: float = 0.0
    """For so long the canary's engine has had work and made no step."""
    notes: tuple[str, ...] = ()
    """What is missing in it, and why: checks without figures are not in ``counts``."""


@dataclass(frozen=True)
class Silence:
    """There are no figures for this interval: nothing is decided on it."""

    reason: str


@dataclass(frozen=True)
class TaskResult:
    """What became of a task that was asked for."""

    state: TaskState
    message: str = ""
    report: str = ""
    """Where its report is, if it made one."""


class Action(StrEnum):
    """What a person may ask for with ``pilotlight rollout``."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"
    APPROVE = "approve"
    RETRY = "retry"


@dataclass(frozen=True)
class Request:
    """A person's request: the annotation ``pilotlight.dev/request`` of the InferenceRollout."""

    id: str
    action: Action
    by: str = ""


@dataclass(frozen=True)
class Observation:
    """All that a decision is made from, besides the spec, the status and the time."""

    service: Service | None
    """``None``: there is no such InferenceService."""
    routes: Mapping[Role, OwnRoute] = field(default_factory=dict)
    room: Room | None = None
    """Asked for only while the canary's first pods are not up."""
    interval: Interval | Silence | None = None
    """``None``: no look at the evidence was due."""
    tasks: Mapping[str, TaskResult] = field(default_factory=dict)
    """By the task's name in ``status.tasks``; absent: it has not ended."""
    request: Request | None = None
    """Not carried out yet."""
