"""What keeps a service in sight and running: monitoring and disruption."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pilotlight.api.meta import ApiModel


class Monitoring(ApiModel):
    """An object of the Prometheus operator, whose CRDs the cluster then has to have."""

    kind: Literal["PodMonitor", "ServiceMonitor"] = "PodMonitor"
    """ServiceMonitor in Standard mode only: Knative's services have no port for metrics."""
    interval: Annotated[str, StringConstraints(pattern=r"^[0-9]+(ms|s|m)$")] = "15s"
    labels: dict[str, str] = Field(default_factory=dict)
    """What your Prometheus selects monitors by, for instance `release: prometheus`."""


class Disruption(ApiModel):
    """How many pods a node drain may take at a time."""

    budget: bool = True
    max_unavailable: Annotated[int, Field(ge=1)] = 1
    """A number of pods that may be away, not one that must stay: `minAvailable: 1` would block
    every drain of a node that holds the only warm pod."""
