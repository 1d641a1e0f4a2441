"""The pod: its resources, volumes, place, probes and rights."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from pilotlight.api.meta import ApiModel, Name
from pilotlight_manifests.spec.quantity import Quantity, amount

Labels = dict[str, str]
Objects = tuple[dict[str, JsonValue], ...]


class Amounts(ApiModel):
    """Processors and memory."""

    cpu: Quantity | None = None
    memory: Quantity | None = None


class Resources(ApiModel):
    """Both are always written: KServe fills what is missing with a limit of 1 CPU and 2Gi."""

    requests: Amounts = Amounts()
    limits: Amounts = Amounts()

    @model_validator(mode="after")
    def _requests_fit(self) -> Self:
        for name in ("cpu", "memory"):
            asked, limit = getattr(self.requests, name), getattr(self.limits, name)
            if asked is not None and limit is not None and amount(asked) > amount(limit):
                raise ValueError(f"requests.{name} ({asked}) is above limits.{name} ({limit})")
        return self

    def within(self, default: Amounts) -> tuple[dict[str, str], dict[str, str]]:
        """Requests and limits: what one lacks is taken from the other, or from the default."""
        requests, limits = {}, {}
        for name in ("cpu", "memory"):
            asked, limit = getattr(self.requests, name), getattr(self.limits, name)
            requests[name] = asked or limit or getattr(default, name)
            limits[name] = limit or requests[name]
        return requests, limits


class Storage(ApiModel):
    """What a pod can write to; its root is read-only."""

    shared_memory: Quantity = "1Gi"
    """Of /dev/shm, where vLLM's processes meet; it counts as the pod's memory."""
    temporary: Quantity | None = None
    """Limit of /tmp, with the caches of compiled kernels; none if no number is given."""

    @property
    def shared_memory_bytes(self) -> Decimal:
        return amount(self.shared_memory)


class Scheduling(ApiModel):
    """Where pods run. In Knative mode each field takes a feature flag of its own
    (`kubernetes.podspec-nodeselector`, `-tolerations`, `-affinity`, …)."""

    priority_class_name: Name | None = None
    node_selector: Labels = Field(default_factory=dict)
    tolerations: Objects = ()
    affinity: dict[str, JsonValue] = Field(default_factory=dict)
    topology_spread: Objects = ()
    """Constraints; where one has no labelSelector, it is that of this service's pods."""
    runtime_class_name: Name | None = None
    scheduler_name: Name | None = None


class Probe(ApiModel):
    """Timing of a probe."""

    initial_delay_seconds: Annotated[int, Field(ge=0)] | None = None
    period_seconds: Annotated[int, Field(ge=1)] | None = None
    timeout_seconds: Annotated[int, Field(ge=1)] | None = None
    failure_threshold: Annotated[int, Field(ge=1)] | None = None


class Probes(ApiModel):
    """The server answers from its first second: it is live while it loads, and ready only after a
    generation. So readiness needs no delay, and no startup probe is needed."""

    readiness: Probe = Probe()
    liveness: Probe = Probe()
    startup: Probe | None = None


class Security(ApiModel):
    """What the `restricted` Pod Security Standard asks for."""

    run_as_user: Annotated[int, Field(ge=1)] = 65532
    fs_group: Annotated[int, Field(ge=1)] | None = None
    """For volumes that only a group may read. In Knative mode it takes the feature
    `kubernetes.podspec-securitycontext`."""
    read_only_root: bool = True


class PodOptions(ApiModel):
    """Environment and pull secrets."""

    image_pull_secrets: tuple[Name, ...] = ()
    env: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = Field(
        default_factory=dict
    )
    """Plain values only: a secret belongs into a Secret."""
