"""Whether the container is described once, for several services."""

from typing import Literal

from pilotlight.api.meta import ApiModel, Name


class Runtime(ApiModel):
    """A ServingRuntime that the InferenceService refers to, instead of a container of its own."""

    kind: Literal["ServingRuntime", "ClusterServingRuntime"] = "ServingRuntime"
    name: Name | None = None
    """The service's own name, if none is given."""
