"""The server in front of the predictor."""

from typing import Annotated, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from pilotlight.api.meta import ApiModel, Name
from pilotlight_manifests.spec.pod import Amounts, Resources

OWN_NAME = "pilotlight-transformer"
TRANSFORMER_IMAGE = f"dev.local/{OWN_NAME}:dev"
TRANSFORMER_DEFAULTS = Amounts(cpu="1", memory="1Gi")


class Transformer(ApiModel):
    """Pilotlight's transformer, or another image that follows KServe's protocol."""

    image: Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")] = TRANSFORMER_IMAGE
    args: tuple[str, ...] = ()
    pipeline: tuple[JsonValue, ...] = ()
    """The steps, as the pipeline's file has them. A secret stands there as `${VARIABLE}`."""
    stores: dict[str, JsonValue] = Field(default_factory=dict)
    """Of the pipeline. Without a `folder` its databases are the pod's own, and go with it."""
    keys_secret: Name | None = None
    """A Secret, whose keys are files in `/etc/pilotlight/keys`: `keys_file` of the step auth."""
    min_replicas: Annotated[int, Field(ge=0)] = 1
    """It starts in a second, but a stream goes through it: keep one, unless all may sleep."""
    max_replicas: Annotated[int, Field(ge=1)] = 3
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _bounds_hold(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"minReplicas ({self.min_replicas}) is above maxReplicas ({self.max_replicas})"
            )
        return self

    @model_validator(mode="after")
    def _stores_have_steps(self) -> Self:
        if self.stores and not self.pipeline:
            raise ValueError("stores are for the steps of a pipeline: add pipeline")
        return self

    @property
    def is_ours(self) -> bool:
        """Whether it takes the arguments of Pilotlight's transformer."""
        name = self.image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        return bool(self.pipeline) or name == OWN_NAME
