"""The whole specification of one served model."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from pilotlight.api.meta import ApiModel, Name
from pilotlight.api.rollout import RolloutPolicy
from pilotlight.api.warmpool import WarmPoolPolicy
from pilotlight_manifests.spec.access import Access
from pilotlight_manifests.spec.agreement import check
from pilotlight_manifests.spec.autoscaling import Autoscaling
from pilotlight_manifests.spec.engine import Engine
from pilotlight_manifests.spec.hardware import Gpus, Parallelism
from pilotlight_manifests.spec.model_source import ModelSource
from pilotlight_manifests.spec.operations import Disruption, Monitoring
from pilotlight_manifests.spec.pod import (
    Amounts,
    Labels,
    PodOptions,
    Probes,
    Resources,
    Scheduling,
    Security,
    Storage,
)
from pilotlight_manifests.spec.runtime import Runtime
from pilotlight_manifests.spec.timeouts import Timeouts
from pilotlight_manifests.spec.transformer import Transformer

PREDICTOR_IMAGE = "dev.local/pilotlight-predictor:dev"

ServiceName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=45),
]
"""KServe's pattern; 45 characters, so that `NAME-transformer-00001` is a DNS label."""


class Mode(StrEnum):
    """KServe's deployment modes."""

    KNATIVE = "Knative"
    STANDARD = "Standard"


class ServedModel(ApiModel):
    """A model, how it is served, and what surrounds it."""

    name: ServiceName
    namespace: Name | None = None
    labels: Labels = Field(default_factory=dict)
    """On every object. On an InferenceService each reaches the pods: a change restarts them."""
    model: ModelSource
    image: Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")] = PREDICTOR_IMAGE
    mode: Mode = Mode.KNATIVE
    engine: Engine = Engine()
    gpus: Gpus = Gpus()
    parallelism: Parallelism = Parallelism()
    autoscaling: Autoscaling = Autoscaling()
    timeouts: Timeouts = Timeouts()
    canary_traffic_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share of the newest revision, where no rollout sets it."""
    rollout: RolloutPolicy | None = None
    warm_pool: WarmPoolPolicy | None = None
    transformer: Transformer | None = None
    """`true` for Pilotlight's own with its defaults."""
    runtime: Runtime | None = None
    resources: Resources = Resources()
    storage: Storage = Storage()
    pod: PodOptions = PodOptions()
    scheduling: Scheduling = Scheduling()
    probes: Probes = Probes()
    security: Security = Security()
    access: Access = Access()
    monitoring: Monitoring | None = None
    disruption: Disruption = Disruption()

    @field_validator("transformer", "rollout", "warm_pool", "monitoring", mode="before")
    @classmethod
    def _on_or_off(cls, value: object) -> object:
        return {True: {}, False: None}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        check(self)
        return self

    @property
    def gpus_per_pod(self) -> int:
        """GPUs of each pod: as told, or the share of the world size that falls to a node."""
        if self.gpus.count is not None:
            return self.gpus.count
        return -(-self.parallelism.world_size // self.parallelism.nodes)

    @property
    def predictor_runtime(self) -> Runtime | None:
        """The runtime asked for; several nodes always need one, since KServe merges into it."""
        return self.runtime or (Runtime() if self.parallelism.nodes > 1 else None)

    @property
    def predictor_resources(self) -> tuple[dict[str, str], dict[str, str]]:
        """Requests and limits, by default 4 CPUs and 16Gi for each GPU, or for a pod on CPUs."""
        pods = max(1, self.gpus_per_pod)
        return self.resources.within(Amounts(cpu=str(4 * pods), memory=f"{16 * pods}Gi"))

    @property
    def account_name(self) -> str:
        return self.model.service_account or self.name
