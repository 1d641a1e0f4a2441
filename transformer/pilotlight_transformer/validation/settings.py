"""What the YAML says under ``validate:``."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from pilotlight_transformer.pipeline.step import StepSettings

Media = Literal["image_url", "input_audio", "audio_url", "video_url", "file"]
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class ParameterLimit(_Frozen):
    """What one parameter may be."""

    min: float | None = None
    max: float | None = None
    values: list[Any] | None = None
    default: Any = None
    over: Annotated[
        Literal["refuse", "cap"], Field(description="What happens beyond `min` and `max`.")
    ] = "refuse"

    @model_validator(mode="after")
    def _in_order(self) -> "ParameterLimit":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`: exchange them")
        return self


Rule = Annotated[
    Annotated[bool, Tag("switch")] | Annotated[ParameterLimit, Tag("limits")],
    Discriminator(lambda value: "switch" if isinstance(value, bool) else "limits"),
]
"""``false``: not allowed; ``true``: allowed as it is; or limits."""


class Limits(_Frozen):
    """Limits that a tenant may have of its own."""

    max_messages: Annotated[int, Field(ge=1)] = 256
    max_characters: Annotated[int, Field(ge=1)] = 400_000
    max_tools: Annotated[int, Field(ge=0)] = 128
    max_inputs: Annotated[int, Field(ge=1, description="Texts of one embeddings request.")] = 2048
    max_prompts: Annotated[int, Field(ge=1, description="Prompts of one completion.")] = 64
    max_prompt_tokens: Annotated[int | None, Field(ge=1)] = None
    media: Annotated[
        list[Media], Field(description="Content parts allowed beside text; none by default.")
    ] = []
    remote_media: Annotated[
        bool, Field(description="Whether media may be URLs that the predictor fetches.")
    ] = False
    parameters: dict[str, Rule] = {}
    unknown: Annotated[
        Literal["pass", "refuse", "drop"], Field(description="What happens to unknown parameters.")
    ] = "pass"

    def overridden(self, own: "Limits") -> "Limits":
        """These limits with those that ``own`` sets in their place, parameter by parameter."""
        update = {name: getattr(own, name) for name in own.model_fields_set}
        update["parameters"] = {**self.parameters, **own.parameters}
        return Limits(**{name: getattr(self, name) for name in Limits.model_fields} | update)


class Normalise(_Frozen):
    """How messages are written alike."""

    join_parts: Annotated[
        bool, Field(description="Content parts of only text become one text, as vLLM joins them.")
    ] = True
    drop_empty: Annotated[bool, Field(description="Messages without any content are removed.")] = (
        True
    )
    merge_roles: Annotated[
        bool, Field(description="Neighbours of one role (user, system) become one message.")
    ] = False
    nfc: Annotated[bool, Field(description="Texts are brought to Unicode's form NFC.")] = False


class TokenizerSettings(_Frozen):
    """A model's tokenizer."""

    tokenizer: Annotated[
        Path | None, Field(description="The model's folder, or its tokenizer.json.")
    ] = None
    max_model_len: Annotated[
        int | None, Field(ge=1, description="Default: max_position_embeddings of config.json.")
    ] = None


class TemplateSettings(_Frozen):
    """A prompt template; a version is one user message, or a list of messages."""

    versions: Annotated[dict[str, str | list[dict[str, str]]], Field(min_length=1)]
    default: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_are_texts(cls, given: Any) -> Any:
        # YAML reads an unquoted 2 as a number.
        if not isinstance(given, dict) or not isinstance(given.get("versions"), dict):
            return given
        versions = {str(name): value for name, value in given["versions"].items()}
        default = given.get("default")
        return {**given, "versions": versions, "default": None if default is None else str(default)}

    @model_validator(mode="after")
    def _default_exists(self) -> "TemplateSettings":
        if self.default is not None and self.default not in self.versions:
            raise ValueError(f"`default` names no version: choose of {sorted(self.versions)}")
        if self.default is None and len(self.versions) > 1:
            raise ValueError("`default` is missing: name the version for requests without one")
        return self


class ValidateSettings(StepSettings, Limits):
    """Settings of the step ``validate``."""

    tokenizer: Path | None = None
    max_model_len: Annotated[int | None, Field(ge=1)] = None
    models: Annotated[
        dict[str, TokenizerSettings], Field(description="Models with a tokenizer of their own.")
    ] = {}
    over_context: Annotated[
        Literal["refuse", "cap"],
        Field(description="When prompt and max_tokens together are too long: lower max_tokens?"),
    ] = "refuse"
    thread_above: Annotated[
        int, Field(ge=0, description="Characters above which a thread counts the tokens.")
    ] = 1500
    tokenize_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    max_depth: Annotated[int, Field(ge=4, le=200)] = 64
    roles: list[str] = list(ROLES)
    special_tokens: Annotated[
        Literal["pass", "refuse"],
        Field(description="Texts that hold the tokenizer's control tokens."),
    ] = "pass"
    other_routes: Annotated[
        Literal["pass", "refuse"],
        Field(description="Routes that generate and are not checked here."),
    ] = "refuse"
    also_known: Annotated[
        list[str], Field(description="Fields of other steps, which are not unknown.")
    ] = []
    normalise: Normalise = Normalise()
    templates: dict[str, TemplateSettings] = {}
    tenants: dict[str, Limits] = {}

    @model_validator(mode="after")
    def _length_is_known(self) -> "ValidateSettings":
        if self.max_model_len is not None and self.tokenizer is None:
            raise ValueError("`max_model_len` needs `tokenizer`: name the model's folder")
        return self
