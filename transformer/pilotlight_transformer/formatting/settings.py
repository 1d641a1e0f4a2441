"""Settings of the step ``format``."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.formatting.envelope import Envelope
from pilotlight_transformer.formatting.schema import Schema
from pilotlight_transformer.pipeline.step import StepSettings


class RepetitionSettings(StepSettings):
    """``repetition:``: when a text counts as a loop."""

    repeats: Annotated[int, Field(ge=3, le=100, description="Copies, one after the other.")] = 6
    min_characters: Annotated[int, Field(ge=20, le=20_000, description="Of all copies.")] = 300
    max_period: Annotated[
        int, Field(ge=1, le=5_000, description="Longest copy, in characters.")
    ] = 500


class JsonSettings(StepSettings):
    """``json:``: answers that must be JSON."""

    answer_schema: Annotated[
        dict[str, Any] | None, Field(alias="schema", description="Of every answer.")
    ] = None
    from_request: Annotated[bool, Field(description="Go by the request's `response_format`.")] = (
        True
    )
    on_fault: Literal["repair", "refuse"] = "repair"
    stream: Annotated[
        Literal["hold", "pass"],
        Field(description="Hold a stream's text until it is checked, or check what has gone out."),
    ] = "pass"
    max_characters: Annotated[int, Field(ge=100, le=4_000_000, description="Of a text.")] = 200_000
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0

    @field_validator("answer_schema")
    @classmethod
    def _usable(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            try:
                Schema(schema)
            except InvalidRequest as error:
                raise ValueError(error.message) from None
        return schema


class EnvelopeSettings(StepSettings):
    """``envelope:``: what stands around each answer's text."""

    template: str
    escape: Annotated[
        Literal["none", "json"], Field(description="How the text and values are written in it.")
    ] = "none"

    @model_validator(mode="after")
    def _has_its_text(self) -> Self:
        Envelope(self.template, escape=self.escape == "json")
        return self


class FormatSettings(StepSettings):
    """Settings of the step ``format``."""

    repetition: RepetitionSettings | None = None
    max_characters: Annotated[int, Field(ge=1)] | None = None
    json_answers: Annotated[JsonSettings | None, Field(alias="json")] = None
    envelope: EnvelopeSettings | None = None
    other_routes: Annotated[
        Literal["pass", "refuse"], Field(description="Routes whose answers it does not know.")
    ] = "pass"

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.repetition or self.max_characters or self.json_answers or self.envelope):
            raise ValueError("say what to do: repetition, max_characters, json or envelope")
        return self
