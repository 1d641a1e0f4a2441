"""WarmPool: how many replicas of an InferenceService stay warm, when, and at what price."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, StringConstraints, field_validator, model_validator

from pilotlight.api.meta import (
    ApiModel,
    Condition,
    FloorClaim,
    Mode,
    Name,
    ObjectMeta,
    TargetRef,
)

Cron = Annotated[str, StringConstraints(pattern=r"^(\S+\s+){4}\S+$", max_length=100)]
"""Five fields: minute, hour, day of the month, month, day of the week."""

Replicas = Annotated[int, Field(ge=0, le=10000)]
Money = Annotated[float, Field(ge=0)]


class Schedule(ApiModel):
    """Replicas for a time that comes again (the fields of KEDA's cron scaler)."""

    timezone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """A name of the IANA time zone database."""
    start: Cron
    end: Cron
    desired_replicas: Replicas

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"there is no time zone {value!r}: write one like Europe/Berlin")
        return value


class Prices(ApiModel):
    """What is traded: a replica's time against people's waiting; in any one currency."""

    replica_hour: Money
    cold_start: Money
    """For each request that waits for a cold start."""


class Target(ApiModel):
    """Instead of prices: how many requests may meet a cold start."""

    max_cold_percent: Annotated[float, Field(ge=0, le=100)]


class Budget(ApiModel):
    """GPUs that all pools of one group may keep warm together."""

    group: Name | None = None
    """The namespace, if no name is given."""
    gpus: Annotated[int, Field(ge=0)]
    priority: Annotated[int, Field(ge=-1000000, le=1000000)] = 0
    """Higher keeps its replicas longer."""


class FailSafe(ApiModel):
    """What holds when the controller is dead or blind."""

    ttl_seconds: Annotated[int, Field(ge=30)] = 300
    replicas: Replicas | None = None
    """The schedule's value, if none is given."""


class WarmPoolPolicy(ApiModel):
    """A warm pool without what it targets."""

    mode: Mode = Mode.ACTIVE
    min_replicas: Replicas = 0
    max_replicas: Replicas = 1
    """Ceiling of the floor, not of the service."""
    schedules: Annotated[tuple[Schedule, ...], Field(max_length=50)] = ()
    forecast: bool = True
    prices: Prices | None = None
    target: Target | None = None
    budget: Budget | None = None
    fail_safe: FailSafe = FailSafe()
    metrics_server: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    """Prometheus; without it the pods are scraped."""

    @model_validator(mode="after")
    def _bounds_hold(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"minReplicas ({self.min_replicas}) is above maxReplicas ({self.max_replicas})"
            )
        most = max((schedule.desired_replicas for schedule in self.schedules), default=0)
        if most > self.max_replicas:
            raise ValueError(
                f"a schedule wants {most} replicas, above maxReplicas ({self.max_replicas})"
            )
        if self.prices is not None and self.target is not None:
            raise ValueError("prices and target exclude each other: give one of them")
        return self


class WarmPoolSpec(WarmPoolPolicy):
    """A warm pool's policy and the InferenceService that it is for."""

    target_ref: TargetRef


class Reason(StrEnum):
    """Which term decided the floor."""

    MINIMUM = "minimum"
    SCHEDULE = "schedule"
    FORECAST = "forecast"
    IDLE_HISTOGRAM = "idle-histogram"
    CEILING = "ceiling"
    BUDGET = "budget"
    FAIL_SAFE = "fail-safe"


class Term(ApiModel):
    """One of the terms whose largest is the floor, before ceiling and budget."""

    reason: Reason
    replicas: Replicas
    message: str = ""


class WarmPoolStatus(ApiModel):
    """What a WarmPool says of itself."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    floor: Replicas = 0
    reason: Reason = Reason.MINIMUM
    message: str = ""
    """Why, in words and numbers."""
    terms: Annotated[tuple[Term, ...], Field(max_length=8)] = ()
    warm_replicas: Replicas = 0
    cold_replicas: Replicas = 0
    cold_start_seconds: Annotated[float, Field(ge=0)] | None = None
    """The horizon of the forecast: the 95th percentile of the starts measured."""
    cost_today: Money = 0.0
    decided_at: datetime | None = None
    floors: Annotated[tuple[FloorClaim, ...], Field(max_length=10)] = ()
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = ()


class WarmPool(ApiModel):
    """The right number of warm replicas at the right time."""

    api_version: Literal["pilotlight.dev/v1alpha1"] = "pilotlight.dev/v1alpha1"
    kind: Literal["WarmPool"] = "WarmPool"
    metadata: ObjectMeta
    spec: WarmPoolSpec
    status: WarmPoolStatus = WarmPoolStatus()
