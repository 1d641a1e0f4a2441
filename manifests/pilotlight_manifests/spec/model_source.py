"""Where the weights come from."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from pilotlight.api.meta import ApiModel, Name

SCHEMES = ("hf", "s3", "gs", "pvc", "oci", "hdfs", "webhdfs", "https")
"""What KServe's storage initializer reads (its ``config/storagecontainers/default.yaml``, and
claims and images, which it mounts)."""

MODEL_DIRECTORY = "/mnt/models"

Uri = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


def check_scheme(uri: str) -> str:
    """The URI, if KServe can read from its scheme.

    Raises:
        ValueError: It cannot, or there is nothing after the scheme.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or not rest or scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise ValueError(f"{uri!r} is not a place that KServe reads from: use one of {known}")
    if any(character.isspace() for character in uri):
        raise ValueError(f"{uri!r} has white space in it")
    return uri


class ModelSource(ApiModel):
    """A model's files, and who may read them."""

    uri: Uri
    """hf://ORGANISATION/MODEL, s3://BUCKET/PATH, gs://…, pvc://CLAIM/PATH, oci://IMAGE, https://…"""
    secret: Name | None = None
    """Secret that the storage initializer logs in with; with `HF_TOKEN` for hf://."""
    service_account: Name | None = None
    """An account that exists; otherwise one is made, which holds the secret."""
    service_account_annotations: dict[str, str] = Field(default_factory=dict)
    """For accounts of a cloud (IRSA, Workload Identity)."""

    @field_validator("uri")
    @classmethod
    def _readable(cls, value: str) -> str:
        return check_scheme(value)

    @property
    def scheme(self) -> str:
        return self.uri.partition("://")[0]
