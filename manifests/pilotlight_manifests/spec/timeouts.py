"""How long things may take."""

from typing import Annotated

from pydantic import Field, model_validator

from pilotlight.api.meta import ApiModel

_NOT_KSERVES = {
    "responseStartSeconds": "KServe sets it to requestSeconds",
    "idleSeconds": "KServe has no field for it",
}


class Timeouts(ApiModel):
    """Seconds for a request and for a start."""

    request_seconds: Annotated[int, Field(ge=20)] = 600
    """One request, its wait for a cold start and its whole stream included. A pod that stops also
    gets so long to finish its streams."""
    start_seconds: Annotated[int, Field(ge=1)] = 1800
    """From the creation of a pod until it is ready: image, weights, warm-up. After it a new
    revision is given up."""
    cluster_max_seconds: Annotated[int, Field(ge=1)] = 600
    """`max-revision-timeout-seconds` of Knative's `config-defaults`, if the cluster raised it."""

    @model_validator(mode="before")
    @classmethod
    def _only_what_kserve_has(cls, value: object) -> object:
        for name, why in _NOT_KSERVES.items():
            if isinstance(value, dict) and name in value:
                raise ValueError(f"{name} cannot be set: {why}; leave it out")
        return value
