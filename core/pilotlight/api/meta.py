"""What Pilotlight's resources have in common."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

GROUP = "pilotlight.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
"""A DNS-1123 label: the name of most Kubernetes objects."""


class ApiModel(BaseModel):
    """A frozen part of a resource, written in camelCase; unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )


class ObjectMeta(BaseModel):
    """The metadata that Pilotlight reads; the API server keeps the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    name: str
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    deletion_timestamp: datetime | None = None


class TargetRef(ApiModel):
    """The InferenceService, in the same namespace, that a resource acts on."""

    api_version: Literal["serving.kserve.io/v1beta1"] = "serving.kserve.io/v1beta1"
    kind: Literal["InferenceService"] = "InferenceService"
    name: Name


class KeyReference(ApiModel):
    """One key of a ConfigMap or Secret in the same namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]


class Mode(StrEnum):
    """Whether a controller acts, or only says what it would do."""

    ACTIVE = "Active"
    DRY_RUN = "DryRun"


class FloorClaim(ApiModel):
    """The fewest replicas that a resource wants of a revision.

    One arbiter writes the largest claim to the revision, capped by its max-scale.
    """

    revision: str
    replicas: Annotated[int, Field(ge=0)]
    expires_at: datetime | None = None
    """When the claim no longer counts; never, if it is absent."""


class Condition(ApiModel):
    """A condition in the form of metav1.Condition, which kstatus and `kubectl wait` read."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    message: Annotated[str, StringConstraints(max_length=32768)] = ""
    last_transition_time: datetime
    observed_generation: Annotated[int, Field(ge=0)] = 0
