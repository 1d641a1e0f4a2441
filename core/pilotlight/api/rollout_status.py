"""What an InferenceRollout says of itself while it runs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

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


class PastRollout(ApiModel):
    """One line of the history."""

    revision: str
    outcome: Phase
    reason: str = ""
    started_at: datetime
    ended_at: datetime


class InferenceRolloutStatus(ApiModel):
    """The state from which a controller that starts anew goes on."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    phase: Phase = Phase.IDLE
    weight: Annotated[int, Field(ge=0, le=100)] = 0
    """Percentage of the traffic that the canary gets."""
    step: Annotated[int, Field(ge=0)] = 0
    reason: str = ""
    """Why it is in this phase, in words and numbers."""
    stable_revision: str = ""
    canary_revision: str = ""
    template_hash: str = ""
    """Of the template that is rolled out."""
    rejected_hash: str = ""
    """Of the template that was taken back; it is not tried again until it changes."""
    started_at: datetime | None = None
    step_started_at: datetime | None = None
    rollback_until: datetime | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=200)] = ()
    report: str = ""
    """Where the offline gate's report is: `configmap/NAME`, or a URL."""
    floors: Annotated[tuple[FloorClaim, ...], Field(max_length=10)] = ()
    gates: dict[str, Literal["waiting", "passed", "refused"]] = Field(default_factory=dict)
    """Webhooks and approvals by name."""
    history: Annotated[tuple[PastRollout, ...], Field(max_length=20)] = ()
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = ()
