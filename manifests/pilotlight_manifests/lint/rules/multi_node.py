"""Models over several nodes."""

from collections.abc import Iterable

from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload


class WorkerSpecInKnativeMode:
    """workerSpec in Knative mode: the workers are never made, the head waits for them forever.

    Source: KServe ``Predictor.Reconcile`` hands the worker's pod to ``reconcileRawDeployment``
    alone (``components/predictor.go``); the Knative path drops it without a word.
    """

    id = "worker-spec-in-knative-mode"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        if workload.component == "predictor" and workload.mode.knative and workload.worker.given:
            nodes = workload.worker.at("pipelineParallelSize").integer
            asked = f" of {nodes} nodes" if nodes and nodes > 1 else ""
            yield report.error(
                workload.worker,
                f"workerSpec{asked} is dropped in Knative mode: no worker pod is made."
                f"{workload.mode.caveat}",
                "set the annotation serving.kserve.io/deploymentMode: Standard",
            )
