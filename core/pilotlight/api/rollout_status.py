"""What an InferenceRollout says of itself while it runs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pilotlight.api.analysis import TokenBand
from pilotlight.api.meta import ApiModel, Condition, FloorClaim


class Phase(StrEnum):
    """Where a rollout stands."""

    IDLE = "Idle"
    HELD = "Held"
    NO_CAPACITY = "NoCapacity"
    WARMING = "Warming"
    GATING = "Gating"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    PROMOTING = "Promoting"
    WATCHING = "Watching"
    SUCCEEDED = "Succeeded"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"


class Component(StrEnum):
    """A part of an InferenceService with revisions of its own."""

    PREDICTOR = "predictor"
    TRANSFORMER = "transformer"


class TaskState(StrEnum):
    """What became of something that takes its time: a warm-up, a gate, a webhook, an approval."""

    WAITING = "waiting"
    PASSED = "passed"
    REFUSED = "refused"


class Addresses(ApiModel):
    """Where each version answers inside the cluster, whatever the split is."""

    stable: str = ""
    canary: str = ""


class Evidence(ApiModel):
    """What is known of one check, summed over the rollout, or of one stratum of it."""

    check: str
    stratum: str = ""
    canary_bad: Annotated[int, Field(ge=0)] = 0
    canary_total: Annotated[int, Field(ge=0)] = 0
    stable_bad: Annotated[int, Field(ge=0)] = 0
    stable_total: Annotated[int, Field(ge=0)] = 0
    log_worse: float = 0.0
    """Natural logarithm of the e-value that the canary is worse than allowed."""
    log_good: float = 0.0
    """Natural logarithm of the e-value that it is not."""
    worse: Annotated[tuple[float, ...], Field(max_length=16)] = ()
    """Logarithms of the single bets of which `logWorse` is made, from the product over looks."""
    good: Annotated[tuple[float, ...], Field(max_length=16)] = ()
    """Those of `logGood`."""
    dispersion: Annotated[float, Field(ge=1)] = 1.0
    """Variance of stable's bad before the rollout, in units of independent requests' variance."""


class Yardsticks(ApiModel):
    """What stable kept to before the rollout: where the spec names no limit, these count.

    They are taken once, when the rollout begins, and stay through it.
    """

    first_token_seconds: Annotated[float, Field(gt=0)] | None = None
    inter_token_seconds: Annotated[float, Field(gt=0)] | None = None
    output_tokens: TokenBand | None = None
    dispersion: dict[str, float] = Field(default_factory=dict)
    """By check, variance of stable's bad in units of independent requests' variance."""
    note: str = ""
    """Where they are from, and what could not be learned."""


class PastRollout(ApiModel):
    """One line of the history."""

    revision: str
    component: Component = Component.PREDICTOR
    outcome: Phase
    reason: str = ""
    started_at: datetime
    ended_at: datetime


class ComponentRecord(ApiModel):
    """What is remembered of a component, whichever is rolled out."""

    stable: str = ""
    """The revision with all of the traffic when nothing was rolled out: KServe may lose it."""
    rejected: str = ""
    """Of the template (or, without a hash, the revision) that was taken back or refused."""


class InferenceRolloutStatus(ApiModel):
    """The state from which a controller that starts anew goes on."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    phase: Phase = Phase.IDLE
    component: Component = Component.PREDICTOR
    """What is rolled out."""
    weight: Annotated[int, Field(ge=0, le=100)] = 0
    """Percentage of the traffic that the canary is to get."""
    step: Annotated[int, Field(ge=0)] = 0
    """1 for the first of the weights; 0 before."""
    reason: str = ""
    """Why it is in this phase, in words and numbers."""
    stable_revision: str = ""
    """Gets the rest of the traffic; recorded before anything is changed."""
    canary_revision: str = ""
    template_hash: str = ""
    """Of the template that is rolled out."""
    components: dict[Component, ComponentRecord] = Field(default_factory=dict)
    """What is remembered of each component."""
    returning: bool = False
    """The template is stable's own again: it is warmed and promoted without analysis."""
    stable_replicas: Annotated[int, Field(ge=0)] = 0
    """Most pods that stable had since the rollout began: the capacity it keeps until the end."""
    minimums: dict[str, int] = Field(default_factory=dict)
    """By revision, the min-scale that it had before the first claim: none goes below it."""
    started_at: datetime | None = None
    waiting_since: datetime | None = None
    """Since when pods, room or a Route are waited for: `progressDeadlineSeconds` counts from it."""
    step_started_at: datetime | None = None
    """When the gateway split the traffic as this step says; absent until then."""
    watched_seconds: Annotated[float, Field(ge=0)] = 0.0
    """Time of this step for which there are figures: `maxDuration` counts it."""
    observed_at: datetime | None = None
    """Of the last look at the evidence."""
    rollback_until: datetime | None = None
    paused: bool = False
    """A person has stopped it with `pilotlight rollout pause`."""
    handled_request: str = ""
    """Id of the last request of a person that was carried out, or refused."""
    refusal: str = ""
    """Why that request was not carried out; empty if it was."""
    yardsticks: Yardsticks = Yardsticks()
    """What stable kept to before this rollout."""
    over_limit: Annotated[int, Field(ge=0)] = 0
    """Looks in a row that found a hard limit passed."""
    progress: Annotated[int, Field(ge=0, le=100)] = 0
    """Percent of the evidence for promotion that the slowest check has."""
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=200)] = ()
    tasks: dict[str, TaskState] = Field(default_factory=dict)
    """Of this rollout: `warm-up`, `offline-gate`, `webhook-NAME`, `approval-WEIGHT`."""
    report: str = ""
    """Where the offline gate's report is: `configmap/NAME`, or a URL."""
    timeline: str = ""
    """ConfigMap with the course of this rollout, for `pilotlight rollout plot`."""
    addresses: Addresses = Addresses()
    floors: Annotated[tuple[FloorClaim, ...], Field(max_length=10)] = ()
    history: Annotated[tuple[PastRollout, ...], Field(max_length=20)] = ()
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = ()
