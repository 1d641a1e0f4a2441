"""What a new version is asked before people are, and how its answers may differ."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from pilotlight.api.duration import Duration
from pilotlight.api.meta import ApiModel, KeyReference

Ratio = Annotated[float, Field(ge=0, le=1)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2048)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Phrase = Annotated[str, StringConstraints(min_length=3, max_length=200)]


class RequestSource(ApiModel):
    """Where recorded requests are kept, one JSON request a line; exactly one place."""

    config_map: KeyReference | None = None
    secret: KeyReference | None = None
    """For what people wrote, which not everybody may read who may read a ConfigMap."""
    url: Url | None = None
    """Answers a GET with the lines."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        places = [place for place in (self.config_map, self.secret, self.url) if place is not None]
        if len(places) != 1:
            raise ValueError(
                f"one of configMap, secret and url says where the requests are, not {len(places)}"
            )
        return self


class EmbeddingEndpoint(ApiModel):
    """A model that turns answers into vectors, behind OpenAI's API."""

    url: Url
    """With the version, as OpenAI's clients take it: `http://embedder.models/v1`."""
    model: ModelName
    min_similarity: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Cosine of two answers' vectors below which they differ."""
    api_key_from: KeyReference | None = None
    """Key of a Secret."""


class JudgeEndpoint(ApiModel):
    """A model that says whether two answers mean the same, behind OpenAI's API."""

    url: Url
    """With the version, as OpenAI's clients take it: `https://judge.example.com/v1`."""
    model: ModelName
    api_key_from: KeyReference | None = None
    """Key of a Secret."""


class Asking(ApiModel):
    """How long requests of our own may take."""

    timeout: Duration = Field(default="30m", validate_default=True)
    """For all of it."""
    request_timeout: Duration = Field(default="2m", validate_default=True)
    """For one request, its retries included."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    """Requests at a time, to each version."""

    @field_validator("timeout", "request_timeout")
    @classmethod
    def _time_passes(cls, value: timedelta) -> timedelta:
        if not value:
            raise ValueError("a timeout must be longer than 0s: write it like 2m")
        return value


class WarmUp(Asking):
    """What a canary is asked before people are."""

    timeout: Duration = Field(default="5m", validate_default=True)
    """For all of it; then what was done by then has to do."""
    prompts: KeyReference | None = None
    """Key of a ConfigMap with one JSON request a line."""
    recent_prompts: bool = False
    """Also replay the beginnings of prompts that people sent lately: of `recordedRequests`."""


class Comparison(Asking):
    """When two versions' answers to the same requests count as different, and how many may."""

    comparison: Literal["exact", "embedding", "judge"] = "exact"
    embedding: EmbeddingEndpoint | None = None
    """For `comparison: embedding`."""
    judge: JudgeEndpoint | None = None
    """For `comparison: judge`."""
    control: bool = True
    """Ask stable twice, and allow the canary as many differences more as stable has from itself:
    a greedy answer also depends on what else is in the batch."""
    max_different: Ratio = 0.1
    """Share of answers that may differ."""
    max_logprob_drift: Annotated[float, Field(ge=0)] | None = None
    """Mean absolute difference of a token's log-probability, in nats."""
    max_length_change: Annotated[float, Field(ge=0)] = 0.5
    """Relative change of the mean output length."""
    max_refusal_increase: Ratio = 0.05
    max_empty_increase: Ratio = 0.01
    max_invalid_increase: Ratio = 0.01
    """Answers that were to be JSON or a tool call and are not."""
    max_failed_increase: Ratio = 0.01
    """Requests that stable answered and the canary did not."""
    refusal_phrases: Annotated[tuple[Phrase, ...], Field(max_length=100)] = ()
    """How a refusal begins, besides what is known in a few languages."""
    max_tokens: Annotated[int, Field(ge=1, le=32768)] = 256
    """Of an answer, where the request itself sets no limit."""

    @model_validator(mode="after")
    def _has_its_endpoint(self) -> Self:
        if self.comparison == "embedding" and self.embedding is None:
            raise ValueError("comparison: embedding needs embedding.url and embedding.model")
        if self.comparison == "judge" and self.judge is None:
            raise ValueError("comparison: judge needs judge.url and judge.model")
        return self


class OfflineGate(Comparison):
    """Golden prompts, answered greedily by stable and canary at 0 % of the traffic."""

    prompts: KeyReference
    """Key of a ConfigMap with one JSON request a line."""
