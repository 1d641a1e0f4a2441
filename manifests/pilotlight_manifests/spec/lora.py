"""LoRA adapters, each served under a name of its own."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from pilotlight.api.meta import ApiModel
from pilotlight_manifests.spec.model_source import Uri, check_scheme

ADAPTER_DIRECTORY = "/mnt/adapters"


class Adapter(ApiModel):
    """One adapter: a folder that is there already, or a place to load it from."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
    path: Annotated[str, StringConstraints(pattern=r"^/[^\s=]*$")] | None = None
    """A folder in the container, for instance beside the model under /mnt/models."""
    uri: Uri | None = None
    """Loaded like the model. Knative has to allow it: `kubernetes.podspec-init-containers`,
    and for pvc:// `kubernetes.podspec-persistent-volume-claim`."""

    @field_validator("uri")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        return value if value is None else check_scheme(value)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.uri is None):
            raise ValueError(f"adapter {self.name}: give either its path or its uri")
        return self

    @property
    def folder(self) -> str:
        return self.path or f"{ADAPTER_DIRECTORY}/{self.name}"


class Lora(ApiModel):
    """The adapters and how many of them a batch may mix."""

    adapters: Annotated[tuple[Adapter, ...], Field(min_length=1)]
    max_loras: Annotated[int, Field(ge=1)] | None = None
    """How many different adapters one batch may hold; vLLM's default is 1."""
    max_rank: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [adapter.name for adapter in self.adapters]
        if len(set(names)) < len(names):
            raise ValueError("adapters: each name once")
        return self
