"""How many replicas there are, and when."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from pilotlight.api.meta import ApiModel

Window = Annotated[int, Field(ge=6, le=3600)]
"""Knative's bounds (``pkg/apis/autoscaling/register.go``)."""

UpToAnHour = Annotated[int, Field(ge=0, le=3600)]


class Metric(StrEnum):
    """What is compared with the target."""

    CONCURRENCY = "concurrency"
    RPS = "rps"
    CPU = "cpu"
    MEMORY = "memory"


class Autoscaling(ApiModel):
    """Knative's autoscaler in Knative mode; a fixed number or the HPA in Standard mode."""

    metric: Metric | None = None
    """`concurrency` (the default) or `rps` in Knative mode, `cpu` or `memory` in Standard mode."""
    target: Annotated[int, Field(ge=1)] | None = None
    """Of each replica: requests at a time (16, if none is given), requests a second, percent of the
    CPU, or MiB. Take the concurrency at which the latency is still good, and which fits the KV
    cache; vLLM batches, so that 1 wastes the GPU."""
    target_utilization_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    """Share of the target that the autoscaler aims at; Knative's default is 70."""
    min_replicas: Annotated[int, Field(ge=0)] = 1
    """0 lets it sleep. In Knative mode a change of this number makes a new revision."""
    max_replicas: Annotated[int, Field(ge=1)] | None = None
    """`minReplicas`, or 1, if none is given."""
    window_seconds: Window | None = None
    """The stable window; Knative's default is 60."""
    scale_down_delay_seconds: UpToAnHour | None = None
    """Replicas stay for so long after they are not needed; also for the last one."""
    retention_seconds: UpToAnHour | None = None
    """The last replica stays for so long before it goes to zero."""
    activation_scale: Annotated[int, Field(ge=2)] | None = None
    """Replicas that a wake from zero starts with."""
    initial_scale: Annotated[int, Field(ge=0)] | None = None
    """Replicas that a new revision must reach once; 0 only where the cluster allows it."""
    container_concurrency: Annotated[int, Field(ge=0, le=1000)] | None = None
    """A hard limit for each replica; no limit without it, since the engine batches and queues."""

    @property
    def ceiling(self) -> int:
        """The largest number of replicas."""
        return max(1, self.min_replicas) if self.max_replicas is None else self.max_replicas

    @model_validator(mode="after")
    def _bounds_hold(self) -> Self:
        if self.min_replicas > self.ceiling:
            raise ValueError(
                f"minReplicas ({self.min_replicas}) is above maxReplicas ({self.ceiling})"
            )
        for name, value in (
            ("activationScale", self.activation_scale),
            ("initialScale", self.initial_scale),
        ):
            if value is not None and value > self.ceiling:
                raise ValueError(f"{name} ({value}) is above maxReplicas ({self.ceiling})")
        if self.activation_scale is not None and self.activation_scale < self.min_replicas:
            raise ValueError(
                f"activationScale ({self.activation_scale}) is below minReplicas "
                f"({self.min_replicas}): leave it out"
            )
        return self

    @model_validator(mode="after")
    def _target_within_the_limit(self) -> Self:
        limit = self.container_concurrency or 0
        if limit and self.metric in (None, Metric.CONCURRENCY) and (self.target or 1) > limit:
            raise ValueError(
                f"target ({self.target}) is above containerConcurrency ({limit}), "
                "so that no replica can reach it"
            )
        return self
