"""A batch that never forms."""

from collections.abc import Iterable

from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload


class ContainerConcurrencyStarvesBatching:
    """One request at a time for an engine whose throughput comes from its batch.

    Knative's queue-proxy holds back all but ``containerConcurrency`` requests
    (``pkg/queue/breaker.go``). A step of decoding reads all weights, for one sequence as for many:
    with 1 nothing is shared, and every further request waits for a whole answer.
    """

    id = "container-concurrency-starves-batching"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        limit = workload.scaling.container_concurrency
        alone = workload.engine.max_num_seqs == 1
        if not workload.mode.knative or not workload.server.is_vllm or alone:
            return
        if limit.integer == 1:
            yield report.warning(
                limit,
                "containerConcurrency is 1: vLLM's batch has one sequence, and each further "
                f"request waits for a whole answer or a whole new pod.{workload.mode.caveat}",
                "remove it and set scaleTarget to what one pod serves well, with "
                "scaleMetric: concurrency",
            )
