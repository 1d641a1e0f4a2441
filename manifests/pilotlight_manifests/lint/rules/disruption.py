"""Budgets that never let a pod go."""

from collections.abc import Iterable

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.rules.rule import Context
from pilotlight_manifests.lint.selector import pod_labels, selects
from pilotlight_manifests.lint.workload import Workload

KIND = "PodDisruptionBudget"
GROUP = "policy"


class DisruptionBudgetBlocksDrains:
    """A budget that allows no eviction while the service is at its floor: a node never drains.

    With one warm pod, ``minAvailable: 1`` (or 100 %, or ``maxUnavailable: 0``) leaves 0
    disruptions, and the eviction is refused again and again (Kubernetes
    ``pkg/registry/core/pod/storage/eviction.go``). A floor of 0 is left out: an idle pod goes by
    itself.
    """

    id = "disruption-budget-blocks-drains"

    def check(self, document: Document, context: Context, report: Report) -> Iterable[Finding]:
        if document.kind != KIND or document.group != GROUP:
            return
        for workload in context.workloads:
            least = workload.scaling.least
            if workload.component == "runtime" or least < 1 or not document.near(workload.document):
                continue
            if not selects(document.spec.at("selector"), pod_labels(workload)):
                continue
            kept = _kept(document, least)
            if kept is not None and kept >= least:
                yield self._finding(document, workload, least, report)

    def _finding(
        self, document: Document, workload: Workload, least: int, report: Report
    ) -> Finding:
        name = "minAvailable" if document.spec.at("minAvailable").given else "maxUnavailable"
        place = document.spec.at(name)
        pods = "one pod" if least == 1 else f"{least} pods"
        return report.warning(
            place,
            f"{name} {place.text} with {pods} of {workload.document.title} at its floor allows no "
            "eviction: the node cannot be drained.",
            f"write maxUnavailable: 1, or keep {least + 1} pods (minReplicas)",
        )


def _kept(document: Document, pods: int) -> int | None:
    """How many of so many pods must stay; percentages round up as Kubernetes does
    (``getExpectedPodCount``, ``pkg/controller/disruption``)."""
    least, most = document.spec.at("minAvailable").text, document.spec.at("maxUnavailable").text
    if least is not None:
        return _share(least, pods)
    away = _share(most, pods) if most is not None else None
    return None if away is None else max(pods - away, 0)


def _share(text: str, pods: int) -> int | None:
    digits = text.removesuffix("%")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 6:
        return None
    return -(-int(digits) * pods // 100) if text.endswith("%") else int(digits)
