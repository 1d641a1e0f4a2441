"""What one pod shall carry (``reconciler/autoscaling/resources/target.go``)."""

from dataclasses import dataclass

from pilotlight_autoscaler.kpa.settings import KpaSettings, Metric

LEAST_TARGET = 0.01
RPS_UTILIZATION = 0.7


@dataclass(frozen=True)
class Target:
    """Of the metric, for one pod.

    Attributes:
        aimed_at: What the autoscaler keeps a pod at.
        total: What a pod can take.
    """

    aimed_at: float
    total: float


def resolve(settings: KpaSettings) -> Target:
    """From annotations, the container's limit and the cluster's defaults."""
    limit = float(settings.container_concurrency)
    if settings.metric is Metric.RPS:
        total, utilization = settings.rps_target_default, RPS_UTILIZATION
    else:
        total = limit or settings.container_concurrency_target_default
        utilization = settings.container_concurrency_target_fraction
    if settings.target is not None:
        capped = settings.metric is Metric.CONCURRENCY and limit
        total = min(settings.target, limit) if capped else settings.target
    if settings.target_utilization_percentage is not None:
        utilization = settings.target_utilization_percentage / 100
    return Target(max(LEAST_TARGET, total * utilization), total)
