"""What the autoscaler aims at."""

from collections.abc import Iterable

from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload

CLASS = "autoscaling.knative.dev/class"
HPA = "hpa.autoscaling.knative.dev"
KNATIVE_METRICS = ("concurrency", "rps")
POD_METRICS = ("cpu", "memory")


class ScaleMetricUnsupported:
    """A metric that this mode's autoscaler does not have.

    Source: KServe ``validateScalingKPACompExtension`` and ``validateScalingHPACompExtension``
    (``inference_service_validation.go``) refuse it where the class is known; in Standard mode
    without a class ``getHPAMetrics`` drops it, and Kubernetes fills in 80 % of the CPU request.
    """

    id = "scale-metric-unsupported"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        metric = workload.scaling.metric
        if workload.mode.knative and metric.text in POD_METRICS:
            own_class = workload.annotations.get(CLASS)
            if own_class is None or own_class.text != HPA:
                yield report.error(
                    metric,
                    f"scaleMetric {metric.text} is refused: Knative's own autoscaler knows "
                    f"concurrency and rps.{workload.mode.caveat}",
                    f"write concurrency or rps, or the annotation {CLASS}: {HPA}",
                )
        if workload.mode.standard and metric.text in KNATIVE_METRICS and workload.scaled_by_hpa:
            yield report.error(
                metric,
                f"scaleMetric {metric.text} has no effect in Standard mode: the HPA scales on "
                f"80 % of the CPU request instead, or is refused.{workload.mode.caveat}",
                "use KEDA (serving.kserve.io/autoscalerClass: keda) with vLLM's own metrics, "
                "or Knative mode",
            )


class ScaleTargetAboveLimit:
    """A soft target above the hard limit: the limit counts.

    Source: Knative ``ResolveMetricTarget`` (``pkg/reconciler/autoscaling/resources/target.go``)
    takes the smaller of the two.
    """

    id = "scale-target-above-limit"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        target, limit = workload.scaling.target, workload.scaling.container_concurrency
        metric = workload.scaling.metric.text or "concurrency"
        if not workload.mode.knative or metric != "concurrency":
            return
        if target.integer and limit.integer and target.integer > limit.integer > 0:
            yield report.warning(
                target,
                f"the target of {target.integer} has no effect: containerConcurrency lets "
                f"{limit.integer} into a pod, and the autoscaler aims at the smaller number.",
                f"raise containerConcurrency to {target.integer} or more, or remove it",
            )
