"""The server in front of the predictor."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from pilotlight.api.meta import ApiModel
from pilotlight_manifests.spec.pod import Amounts, Resources

TRANSFORMER_IMAGE = "dev.local/pilotlight-transformer:dev"
TRANSFORMER_DEFAULTS = Amounts(cpu="1", memory="1Gi")


class Transformer(ApiModel):
    """Pilotlight's transformer, or another image that follows KServe's protocol."""

    image: Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")] = TRANSFORMER_IMAGE
    args: tuple[str, ...] = ()
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
