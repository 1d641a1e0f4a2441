"""What decides how Knative scales a revision: the cluster's defaults and the revision's own."""

from dataclasses import dataclass
from enum import StrEnum

from pilotlight_autoscaler.kpa.go_floats import round_away
from pilotlight_autoscaler.kpa.instants import NANOSECONDS, nanoseconds

TICK_S = 2
"""How often each revision is looked at (``autoscaler/scaling/multiscaler.go``)."""
REPORT_S = 1
"""How often activators, queue-proxies and the scraper report."""


class Metric(StrEnum):
    """What is counted."""

    CONCURRENCY = "concurrency"
    RPS = "rps"


class Aggregation(StrEnum):
    """How a window is averaged."""

    LINEAR = "linear"
    WEIGHTED = "weighted-exponential"


@dataclass(frozen=True)
class KpaSettings:
    """The settings of one revision, with Knative's defaults (``autoscaler/config/config.go``).

    Attributes:
        metric: Requests in flight, or requests per second.
        aggregation: Of the stable and the panic window.
        container_concurrency: Most requests at once in a pod; 0: no limit.
        target: Of the metric per pod, by annotation; ``None``: the default for the metric.
        target_utilization_percentage: Of the target that is aimed at, by annotation.
        container_concurrency_target_fraction: The same for the cluster, for concurrency.
        container_concurrency_target_default: The cluster's target for concurrency.
        rps_target_default: The cluster's target for requests per second.
        stable_window_s: Length of the window in seconds, whole, from 6 to 3600.
        panic_window_percentage: Length of the panic window, of the stable one.
        panic_threshold_percentage: Of what ready pods can take, from which panic begins.
        max_scale_up_rate: Most pods wanted at once, per ready pod.
        max_scale_down_rate: Ready pods per pod that stays, at most.
        scale_down_delay_s: For so long the greatest wish counts, in whole seconds.
        target_burst_capacity: Burst that pods take without the activator; -1: it always stays.
        activation_scale: Pods wanted at least as soon as any is; below 2: not used.
        min_scale: Floor; counts while the revision is reachable.
        max_scale: Ceiling; 0: none.
        initial_scale: Pods of a new revision.
        enable_scale_to_zero: Whether the last pod may go.
        scale_to_zero_grace_period_s: Time for the network to learn of the activator.
        scale_to_zero_pod_retention_period_s: Least time for which the last pod is kept.
        progress_deadline_s: A start that takes 30 s longer than this has failed.
        reachable: Whether a Route leads to the revision.
    """

    metric: Metric = Metric.CONCURRENCY
    aggregation: Aggregation = Aggregation.LINEAR
    container_concurrency: int = 0
    target: float | None = None
    target_utilization_percentage: float | None = None
    container_concurrency_target_fraction: float = 0.7
    container_concurrency_target_default: float = 100.0
    rps_target_default: float = 200.0
    stable_window_s: float = 60.0
    panic_window_percentage: float = 10.0
    panic_threshold_percentage: float = 200.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    scale_down_delay_s: float = 0.0
    target_burst_capacity: float = 211.0
    activation_scale: int = 0
    min_scale: int = 0
    max_scale: int = 0
    initial_scale: int = 1
    enable_scale_to_zero: bool = True
    scale_to_zero_grace_period_s: float = 30.0
    scale_to_zero_pod_retention_period_s: float = 0.0
    progress_deadline_s: float = 600.0
    reachable: bool = True

    @property
    def panic_window_s(self) -> float:
        """Length in whole seconds, at least one (``MakeMetric`` in ``resources/metric.go``)."""
        share = nanoseconds(self.stable_window_s) * self.panic_window_percentage / 100.0
        return max(1.0, round_away(int(share) / NANOSECONDS))

    @property
    def panic_threshold(self) -> float:
        """From this multiple of ready pods on, panic begins."""
        return self.panic_threshold_percentage / 100.0

    @property
    def scraped(self) -> bool:
        """Whether pods are asked: with the activator always on the way, it alone counts."""
        return self.target_burst_capacity != -1
