"""What to write for Knative's autoscaler, so that it keeps the planned replicas."""

from dataclasses import dataclass
from math import ceil, floor

from pilotlight_autoscaler.capacity.staffing import Queues, Staff
from pilotlight_autoscaler.capacity.traffic import Load

ACTIVATOR_CAPACITY = 100.0
"""``activator-capacity``: so many requests at a time Knative plans for an activator."""

MAX_CONTAINER_CONCURRENCY = 1000
"""``container-concurrency-max-limit``."""


@dataclass(frozen=True)
class KnativeTarget:
    """Settings of one revision.

    Args:
        target: Requests at a time of a replica; 100 % of it is the most that keeps the limits.
        utilisation_percent: The autoscaler aims at this share of the target.
        container_concurrency: Hard limit; 0 where Knative allows none so high.
        burst_capacity: -1: the activator is always in the path; 0: only while there is no replica.
        activators: That Knative wants for that.
        floor: Replicas that a WarmPool keeps at the low point.
        max_replicas: Ceiling.
    """

    target: int
    utilisation_percent: int
    container_concurrency: int
    burst_capacity: int
    activators: int
    floor: int
    max_replicas: int


def knative_target(load: Load, slots: int, staffed: Staff, queues: Queues) -> KnativeTarget:
    """Settings at which the autoscaler wants the planned number at the peak.

    It wants ceil(concurrency / (target x utilisation)) replicas (``scaling/autoscaler.go``), so
    utilisation is the load over all slots, rounded down. Queues in activators need them in the
    path at all times; so many are wanted as ``computeNumActivators`` says
    (``reconciler/autoscaling/kpa/kpa.go``).
    """
    utilisation = floor(100 * load.in_flight / (staffed.total * slots) + 1e-9)
    pooled = queues is Queues.POOLED
    wanted = ceil(staffed.total * slots / ACTIVATOR_CAPACITY) if pooled else 0
    return KnativeTarget(
        target=slots,
        utilisation_percent=min(100, max(1, utilisation)),
        container_concurrency=slots if slots <= MAX_CONTAINER_CONCURRENCY else 0,
        burst_capacity=-1 if pooled else 0,
        activators=max(2, wanted),
        floor=staffed.floor,
        max_replicas=staffed.total,
    )


def manifests(target: KnativeTarget, name: str) -> tuple[dict[str, object], dict[str, object]]:
    """The part of an InferenceService that the plan decides, and a WarmPool for it."""
    service: dict[str, object] = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": {
            "predictor": {
                "minReplicas": target.floor,
                "maxReplicas": target.max_replicas,
                "scaleMetric": "concurrency",
                "scaleTarget": target.target,
                "containerConcurrency": target.container_concurrency,
                "annotations": {
                    "autoscaling.knative.dev/target-utilization-percentage": str(
                        target.utilisation_percent
                    ),
                    "autoscaling.knative.dev/target-burst-capacity": str(target.burst_capacity),
                },
            }
        },
    }
    pool: dict[str, object] = {
        "apiVersion": "pilotlight.dev/v1alpha1",
        "kind": "WarmPool",
        "metadata": {"name": name},
        "spec": {
            "targetRef": {"name": name},
            "minReplicas": target.floor,
            "maxReplicas": target.max_replicas,
        },
    }
    return service, pool
