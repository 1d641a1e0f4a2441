"""Limits as the YAML writes them."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pilotlight_transformer.limits.bucket import Limit
from pilotlight_transformer.limits.limiter import OnFailure
from pilotlight_transformer.pipeline.step import StepSettings

_RATE = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*/\s*([a-z]+)\s*")
_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "day": 86400,
}


def per_second(value: object) -> float:
    """A rate like ``100/s`` or ``50000/min``, in a second.

    Raises:
        ValueError: It is written otherwise, or is zero.
    """
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[2] not in _SECONDS:
        raise ValueError("write a rate as number/unit, like 100/s, 50000/min, 10/h or 1000/day")
    rate = float(found[1]) / _SECONDS[found[2]]
    if rate == 0:
        raise ValueError("a rate of 0 lets nothing pass: leave the limit out, or take a scope away")
    return rate


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RateSettings(_Part):
    """``{rate: 100/s, burst: 1000}``."""

    rate: Annotated[float, BeforeValidator(per_second)]
    burst: Annotated[int, Field(ge=1, le=10**12)]

    @property
    def limit(self) -> Limit:
        """As the buckets take it."""
        return Limit(self.rate, float(self.burst))


class Limits(_Part):
    """What one caller may use: requests, tokens, both, or as much as it likes."""

    requests: RateSettings | None = None
    tokens: RateSettings | None = None


class ModelLimits(Limits):
    """What a tenant may use of a model.

    Attributes:
        names: Every name under which the model is known here: they share the buckets.
    """

    names: Annotated[tuple[str, ...], Field(min_length=1)]


class Allowance(_Part):
    """The limits of a tenant: each of its keys, all of them together, and by model."""

    key: Limits | None = None
    tenant: Limits | None = None
    models: tuple[ModelLimits, ...] | None = None

    @model_validator(mode="after")
    def _a_name_stands_once(self) -> "Allowance":
        names = [name for group in self.models or () for name in group.names]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"models: {twice} is named twice: keep one of them")
        return self

    def over(self, general: "Allowance") -> "Allowance":
        """These limits, and the general ones where these say nothing."""
        given = {name: getattr(self, name) for name in ("key", "tenant", "models")}
        return general.model_copy(
            update={name: part for name, part in given.items() if part is not None}
        )


class RatelimitSettings(StepSettings):
    """Settings of the step ``ratelimit``."""

    key: Annotated[
        Limits | None, Field(description="For each key, or each subject of a token.")
    ] = None
    tenant: Annotated[Limits | None, Field(description="For all keys of a tenant together.")] = None
    models: Annotated[
        tuple[ModelLimits, ...], Field(description="For each tenant, by what it asks.")
    ] = ()
    tenants: Annotated[
        dict[str, Allowance],
        Field(description="Named tenants' own key, tenant and models, instead of the general."),
    ] = Field(default_factory=dict)
    output_tokens: Annotated[
        int, Field(ge=0, le=10**6, description="Set aside if a request does not name a most.")
    ] = 512
    bytes_per_token: Annotated[
        float, Field(ge=0.5, le=16, description="For prompts that nobody has counted.")
    ] = 4.0
    on_redis_failure: Annotated[
        OnFailure,
        Field(description="local: each process limits on its own; refuse: 503 for everybody."),
    ] = "local"
    max_buckets: Annotated[
        int, Field(ge=100, le=10**7, description="Kept in a process, the last used ones.")
    ] = 100_000

    @model_validator(mode="after")
    def _there_is_a_limit(self) -> "RatelimitSettings":
        self.general.over(Allowance())  # the names of models are checked by it
        if not (self.key or self.tenant or self.models or self.tenants):
            raise ValueError("there is no limit: give one under key, tenant, models or tenants")
        return self

    @property
    def general(self) -> Allowance:
        """The limits of everybody who has none of their own."""
        return Allowance(key=self.key, tenant=self.tenant, models=self.models)

    def allowance(self, tenant: str) -> Allowance:
        """The limits of a tenant."""
        own = self.tenants.get(tenant)
        return self.general if own is None else own.over(self.general)
