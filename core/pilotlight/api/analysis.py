"""How a canary is judged: the steps, the checks, and how much evidence decides."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from pilotlight.api.duration import Duration
from pilotlight.api.meta import ApiModel, Name

Weight = Annotated[int, Field(ge=1, le=100)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Ratio = Annotated[float, Field(ge=0, le=1)]
DEFAULT_STEP_WEIGHTS = (5, 10, 25, 50)
BUILT_IN_METRICS = (
    "errors", "ttft", "inter-token-latency", "finish-reason", "output-length", "cache",
)  # fmt: skip
PromQL = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class CounterQuery(ApiModel):
    """A check of one's own: two counters as PromQL, with ``{revision}`` where its name goes."""

    bad: PromQL
    total: PromQL


class TokenBand(ApiModel):
    """Answers of so many tokens are as expected."""

    min: Annotated[int, Field(ge=0)]
    max: Annotated[int, Field(ge=1)]


class Metric(ApiModel):
    """A check: the share of bad among all, canary against stable in the same interval."""

    name: Name
    """`errors`, `ttft`, `inter-token-latency`, `finish-reason`, `output-length`, `cache`, or the
    name of a check of your own, which needs `query`."""
    max_ratio: Annotated[float, Field(ge=1)] = 1.5
    """Rho: how many times stable's share of bad is not yet worse."""
    tolerance: Ratio = 0.005
    """A share of bad that is no reason to take a version back, however little stable has."""
    limit_seconds: Annotated[float, Field(gt=0)] | None = None
    """Above it a latency is bad; an edge of the histogram's buckets."""
    band: TokenBand | None = None
    """For `output-length`; by default what nine tenths of stable's answers kept to before."""
    query: CounterQuery | None = None

    @model_validator(mode="after")
    def _is_known_or_asked_for(self) -> Self:
        if self.query is None and self.name not in BUILT_IN_METRICS:
            raise ValueError(
                f"metric {self.name!r} needs a query: without one only "
                f"{', '.join(BUILT_IN_METRICS)} are known"
            )
        return self


DEFAULT_METRICS = (
    Metric(name="errors", max_ratio=1.5),
    Metric(name="ttft", max_ratio=1.2),
    Metric(name="inter-token-latency", max_ratio=1.2),
)


class Budgets(ApiModel):
    """How often the judgement may be wrong, over all checks together."""

    false_rollback: Probability = 0.01
    missed_regression: Probability = 0.05


class HardLimits(ApiModel):
    """What ends a rollout at once, without statistics."""

    max_error_ratio: Ratio = 0.5
    max_restarts: Annotated[int, Field(ge=0)] = 3
    max_stall_seconds: Annotated[int, Field(ge=1)] = 60
    """The engine has work and makes no step."""


class HeaderMatch(ApiModel):
    """Requests that go to the canary whatever its weight, for A/B tests."""

    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=128)]
    exact: Annotated[str, StringConstraints(max_length=256)]


class SessionAffinity(ApiModel):
    """Requests with the same value of this header stay on one version."""

    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=128)]


class Webhook(ApiModel):
    """A gate outside: it passes when the URL answers 2xx (Flagger's webhooks)."""

    name: Name
    type: Literal[
        "confirm-rollout", "pre-rollout", "rollout", "confirm-promotion", "post-rollout", "rollback"
    ]
    url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2048)]
    timeout: Duration = Field(default="10s", validate_default=True)


class Analysis(ApiModel):
    """The steps of the traffic and what is watched in each."""

    interval: Duration = Field(default="15s", validate_default=True)
    """Time between two looks at the evidence."""
    step_weights: Annotated[tuple[Weight, ...], Field(min_length=1, max_length=50)] | None = None
    """Percentages of the traffic, rising; 5, 10, 25, 50 if there is no ramp either."""
    step_weight: Weight | None = None
    """A ramp: so many percent more in each step, up to `maxWeight`."""
    max_weight: Weight | None = None
    pause_weights: Annotated[tuple[Weight, ...], Field(max_length=50)] = ()
    """Weights at which a person has to approve before it goes on."""
    max_duration: Duration = Field(default="30m", validate_default=True)
    """Longest time of one step; then `onInconclusive` decides."""
    on_inconclusive: Literal["hold", "promote", "rollback"] = "hold"
    threshold: Annotated[int, Field(ge=1)] = 1
    """Intervals in a row over a hard limit after which the canary is taken back."""
    metrics: Annotated[tuple[Metric, ...], Field(max_length=20)] = ()
    """`errors`, `ttft` and `inter-token-latency` where none is given."""
    prompt_token_buckets: Annotated[tuple[int, ...], Field(max_length=10)] = ()
    """Edges of the strata, in tokens of the prompt."""
    budgets: Budgets = Budgets()
    hard_limits: HardLimits = HardLimits()
    mirror_weight: Annotated[int, Field(ge=0, le=100)] = 0
    """Percentage of `recordedRequests` that stable and canary are asked before the first step;
    their answers are compared and dropped."""
    match: Annotated[tuple[HeaderMatch, ...], Field(max_length=20)] = ()
    session_affinity: SessionAffinity | None = None
    webhooks: Annotated[tuple[Webhook, ...], Field(max_length=20)] = ()

    @property
    def checks(self) -> tuple[Metric, ...]:
        """What is watched, whether the spec names it or leaves it to us."""
        return self.metrics or DEFAULT_METRICS

    @property
    def weights(self) -> tuple[int, ...]:
        """Every percentage on the way to 100, which is the promotion itself."""
        if self.step_weight is not None and self.max_weight is not None:
            return (*range(self.step_weight, self.max_weight, self.step_weight), self.max_weight)
        return self.step_weights or DEFAULT_STEP_WEIGHTS

    @field_validator("interval")
    @classmethod
    def _time_passes(cls, value: timedelta) -> timedelta:
        if not value:
            raise ValueError("interval must be longer than 0s: write it like 15s")
        return value

    @model_validator(mode="after")
    def _weights_rise(self) -> Self:
        ramp = (self.step_weight is not None, self.max_weight is not None)
        if self.step_weights is not None and any(ramp):
            raise ValueError(
                "stepWeights and the ramp of stepWeight and maxWeight exclude each other"
            )
        if any(ramp) and not all(ramp):
            raise ValueError("a ramp needs both stepWeight and maxWeight")
        weights = self.step_weights or ()
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise ValueError(f"stepWeights must rise from step to step, not {list(weights)}")
        return self

    @model_validator(mode="after")
    def _checks_are_distinct(self) -> Self:
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError("metrics: each name once")
        return self
