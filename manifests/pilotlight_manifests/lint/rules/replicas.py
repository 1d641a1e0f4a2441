"""How many pods there may be."""

from collections.abc import Iterable

from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload


class ReplicasReversed:
    """More pods at least than at most: the webhook refuses the object.

    Source: KServe ``validateReplicas`` (``pkg/apis/serving/v1beta1/component.go``), with 1 for an
    absent minReplicas and no bound for a maxReplicas of 0; Knative ``validateMinMaxScale``.
    """

    id = "replicas-reversed"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        most, least = workload.scaling.max_replicas.integer, workload.scaling.least
        if most and 0 < most < least:
            yield report.error(
                workload.scaling.max_replicas,
                f"minReplicas is {least} and maxReplicas {most}: the webhook refuses it.",
                f"set maxReplicas to {least} or more, or minReplicas to {most} or less",
            )


class ScaleToZeroInStandardMode:
    """minReplicas 0 in Standard mode keeps one pod: the HPA that KServe makes has at least 1.

    Source: KServe ``createHPA`` (``reconcilers/hpa/hpa_reconciler.go``). KEDA can reach 0.
    """

    id = "scale-to-zero-in-standard-mode"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        if (
            workload.mode.standard
            and workload.scaling.min_replicas.integer == 0
            and workload.scaled_by_hpa
        ):
            yield report.warning(
                workload.scaling.min_replicas,
                "minReplicas is 0, and KServe's HPA in Standard mode keeps 1: "
                f"the last pod never goes.{workload.mode.caveat}",
                "use Knative mode or serving.kserve.io/autoscalerClass: keda, or write 1",
            )
