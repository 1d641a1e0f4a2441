"""GPUs, and how a model is cut over them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from pilotlight.api.meta import ApiModel

NVIDIA = "nvidia.com/gpu"

KNOWN_TO_KSERVE = (NVIDIA, "amd.com/gpu", "intel.com/gpu", "habana.ai/gaudi")
"""KServe's ``DefaultGPUResourceTypeList``; others need an annotation for a workerSpec."""

ResourceName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$"),
]


class Gpus(ApiModel):
    """GPUs of each pod."""

    resource: ResourceName = NVIDIA
    count: Annotated[int, Field(ge=0, le=64)] | None = None
    """0 serves on CPUs. As many as the parallelism needs, if no number is given."""


class Parallelism(ApiModel):
    """The degrees of parallelism: tensor x pipeline = nodes x GPUs of each pod."""

    tensor: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs that share every layer; they talk a lot, so keep them in one node."""
    pipeline: Annotated[int, Field(ge=1, le=64)] = 1
    """Groups of layers, one after another; they talk little, so they may be on several nodes."""
    nodes: Annotated[int, Field(ge=1, le=64)] = 1
    """Above 1: Ray over KServe's workerSpec, in Standard mode. The image must have Ray in it."""

    @property
    def world_size(self) -> int:
        return self.tensor * self.pipeline
