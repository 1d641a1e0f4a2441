"""WarmPool: how many replicas of an InferenceService stay warm, when, and at what price."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, StringConstraints, field_validator, model_validator

from pilotlight.api.cron import Cron
from pilotlight.api.meta import (
    ApiModel,
    Condition,
    FloorClaim,
    Mode,
    Name,
    ObjectMeta,
    TargetRef,
)

Replicas = Annotated[int, Field(ge=0, le=10000)]
Money = Annotated[float, Field(ge=0)]


class Schedule(ApiModel):
    """Replicas for a time that comes again (the fields of KEDA's cron scaler)."""

    timezone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """A name of the IANA time zone database."""
    start: Cron
    """Five fields: minute, hour, day of the month, month, day of the week. The replicas are warm
    by then: they start one cold start earlier."""
    end: Cron
    desired_replicas: Replicas

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"there is no time zone {value!r}: write one like Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _begins_and_ends(self) -> Self:
        if self.start.split() == self.end.split():
            raise ValueError(f"start and end are both {self.start!r}: it never ends")
        return self


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


class Pressure(ApiModel):
    """Limits, means over replicas, above which more are needed before latency shows it; 0: off."""

    queue_depth: Annotated[float, Field(ge=0)] = 4.0
    """Requests that wait inside a replica."""
    kv_cache_percent: Annotated[float, Field(ge=0, le=100)] = 85.0
    """Of the KV cache in use."""
    gpu_percent: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Off by itself: a GPU that decodes is as busy with one request as with many."""


class SleepTier(ApiModel):
    """Replicas asleep (vLLM's sleep mode): cheaper than warm, awake sooner than cold."""

    level: Annotated[int, Field(ge=1, le=2)]
    """1: the weights are in the host's memory; 2: they are dropped."""
    replica_hour: Money
    """Of a sleeping replica."""
    wake_seconds: Annotated[float, Field(ge=0)]
    """Until it answers again, as measured."""


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
    pressure: Pressure = Pressure()
    sleep: Annotated[tuple[SleepTier, ...], Field(max_length=2)] = ()
    """The tiers that the service can use; none: a replica is warm or gone."""
    stabilization_window_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """For so long less has to be enough before the floor goes down; it goes up at once."""
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
    KEEP_ALIVE = "keep-alive"
    PRESSURE = "pressure"
    CEILING = "ceiling"
    BUDGET = "budget"
    FAIL_SAFE = "fail-safe"
    NO_TARGET = "no-target"


class Term(ApiModel):
    """One of the terms whose largest is the floor, before ceiling and budget."""

    reason: Reason
    replicas: Replicas
    message: str = ""
    hourly_worth: Money | None = None
    """What the misses that one such replica avoids would cost in an hour; a budget goes by it."""


class Counters(ApiModel):
    """Where the counters of requests stood when they were last read."""

    requests: Annotated[int, Field(ge=0)] = 0
    cold: Annotated[int, Field(ge=0)] = 0


class Asleep(ApiModel):
    """Replicas to be kept at one level of sleep."""

    level: Annotated[int, Field(ge=1, le=2)]
    replicas: Replicas


class ShadowPrice(ApiModel):
    """What a wait has to be worth so that no more requests than the target wait."""

    replica_hours: Annotated[float, Field(gt=0)]
    """Of one request that waits, in hours of a warm replica."""
    at: datetime
    """When it was changed last."""
    counted_at: datetime
    requests: Annotated[float, Field(ge=0)] = 0.0
    """Those of about the last day: older ones count half as much with every day."""
    cold: Annotated[float, Field(ge=0)] = 0.0


class PressureMemory(ApiModel):
    """What pressure asked for, and how long it is remembered when pressure is gone."""

    replicas: Replicas = 0
    at: datetime
    """When there was pressure last, or when this was last lowered."""
    hold_seconds: Annotated[float, Field(ge=0)]
    """For so long it is kept; twice as long each time that pressure came back."""
    lowered: bool = False
    """It was lowered since pressure was gone."""


class WarmPoolStatus(ApiModel):
    """What a WarmPool says of itself."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    floor: Replicas = 0
    reason: Reason = Reason.MINIMUM
    message: str = ""
    """Why, in words and numbers."""
    terms: Annotated[tuple[Term, ...], Field(max_length=8)] = ()
    warm_replicas: Replicas = 0
    """Ready to answer."""
    starting_replicas: Replicas = 0
    asleep: Annotated[tuple[Asleep, ...], Field(max_length=2)] = ()
    """To be kept asleep, besides the floor."""
    warm_requests: Annotated[int, Field(ge=0)] = 0
    """Requests of today that found a replica ready."""
    cold_requests: Annotated[int, Field(ge=0)] = 0
    """Requests of today that waited for a start."""
    cold_start_seconds: Annotated[float, Field(ge=0)] | None = None
    """The horizon of the forecast: the 95th percentile of the starts measured."""
    cost_today: Money = 0.0
    """Of the replicas that were warm without work since midnight in the schedule's time zone."""
    accounted_at: datetime | None = None
    """Up to when cost and requests of today are counted."""
    counters: Counters = Counters()
    decided_at: datetime | None = None
    """When the floor or its reason last changed."""
    lower_to: Replicas | None = None
    """What would have been enough since `lowerSince`: the floor goes there if it lasts."""
    lower_since: datetime | None = None
    blind_since: datetime | None = None
    """Since when there are no fresh metrics; absent while there are."""
    pressure: PressureMemory | None = None
    shadow_price: ShadowPrice | None = None
    granted: Replicas | None = None
    """What the budget allows; absent without one."""
    granted_since: datetime | None = None
    floors: Annotated[tuple[FloorClaim, ...], Field(max_length=10)] = ()
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = ()


class WarmPool(ApiModel):
    """The right number of warm replicas at the right time."""

    api_version: Literal["pilotlight.dev/v1alpha1"] = "pilotlight.dev/v1alpha1"
    kind: Literal["WarmPool"] = "WarmPool"
    metadata: ObjectMeta
    spec: WarmPoolSpec
    status: WarmPoolStatus = WarmPoolStatus()
