"""Settings of the step ``cache``."""

import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from pilotlight_transformer.caching.key import Scope
from pilotlight_transformer.pipeline.step import StepSettings

_HEADER = re.compile(r"[a-z0-9-]+")


class SemanticSettings(StepSettings):
    """``semantic:``: answers to questions that mean the same."""

    model: Annotated[str, Field(min_length=1, description="That embeds the questions.")]
    threshold: Annotated[
        float, Field(gt=0, le=1, description="Least cosine similarity of a hit.")
    ] = 0.97
    max_entries: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    timeout_s: Annotated[float, Field(gt=0, le=30, description="Of the embedding.")] = 0.3
    max_characters: Annotated[int, Field(ge=1, description="Longer questions are not tried.")] = (
        2_000
    )


class CacheSettings(StepSettings):
    """Settings of the step ``cache``."""

    scope: Annotated[Scope, Field(description="Who shares answers.")] = "tenant"
    ttl_s: Annotated[float, Field(gt=0, le=30 * 86_400)] = 3_600
    max_bytes: Annotated[int, Field(ge=0, description="In memory, all answers together.")] = (
        64 * 2**20
    )
    max_answer_bytes: Annotated[int, Field(ge=1_024, le=32 * 2**20)] = 2**20
    revision_memory_s: Annotated[
        float, Field(gt=0, description="How long a revision counts as answering.")
    ] = 60
    require_revision: Annotated[bool, Field(description="Keep no answer without a revision.")] = (
        False
    )
    single_flight: bool = True
    wait_s: Annotated[float, Field(gt=0, description="For a shared answer's next piece.")] = 120
    shared: Annotated[bool, Field(description="Use Redis, if the stores have one.")] = True
    shared_timeout_s: Annotated[float, Field(gt=0, le=5)] = 0.2
    namespace: Annotated[str, Field(description="Another one forgets all answers.")] = ""
    vary: Annotated[
        tuple[str, ...], Field(description="Request headers that change the answer.")
    ] = ("x-priority",)
    ignored: Annotated[
        tuple[str, ...], Field(description="Body fields that do not change the answer.")
    ] = ("user",)
    semantic: SemanticSettings | None = None

    @field_validator("vary")
    @classmethod
    def _header_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        lower = tuple(name.lower() for name in names)
        if wrong := [name for name in lower if not _HEADER.fullmatch(name)]:
            raise ValueError(f"{wrong[0]} is no header's name")
        return lower

    @field_validator("ignored")
    @classmethod
    def _not_what_is_asked(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        asked = {"messages", "model", "prompt", "input", "stream"}
        if wrong := sorted(asked.intersection(names)):
            raise ValueError(f"{wrong[0]} changes the answer: it cannot be ignored")
        return names

    @model_validator(mode="after")
    def _one_answer_fits(self) -> Self:
        if 0 < self.max_bytes < self.max_answer_bytes:
            raise ValueError("max_bytes is below max_answer_bytes: raise it, or set it to 0")
        return self
