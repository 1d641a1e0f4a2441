"""Canaries by ``canaryTrafficPercent``."""

from collections.abc import Iterable, Iterator

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.reading import SERVICE
from pilotlight_manifests.lint.rules.rule import Context
from pilotlight_manifests.lint.workload import Workload

NO_UPDATES = "serving.kserve.io/disable-auto-update"
ROLLOUT = ("pilotlight.dev", "InferenceRollout")


class CanaryPercentRange:
    """A percentage outside 0 to 100: KServe lets it through, Knative refuses the service below it.

    Source: Knative ``validateTrafficPercentage`` (``pkg/apis/serving/v1/route_validation.go``);
    KServe ``createKnativeService`` writes 100 minus the percentage for the other version.
    """

    id = "canary-percent-range"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        percent = workload.spec.at("canaryTrafficPercent")
        if percent.integer is not None and not 0 <= percent.integer <= 100:
            yield report.error(
                percent,
                f"canaryTrafficPercent is {percent.integer}: Knative takes 0 to 100.",
                "write a whole number from 0 to 100",
            )


class CanaryPercentInStandardMode:
    """canaryTrafficPercent in Standard mode: nothing reads it, the new version gets everything.

    Source: KServe reads the field in ``createKnativeService`` alone
    (``reconcilers/knative/ksvc_reconciler.go``); Standard mode has ``spec.canary`` instead
    (``validateCanarySpecs``).
    """

    id = "canary-percent-in-standard-mode"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        percent = workload.spec.at("canaryTrafficPercent")
        if workload.mode.standard and percent.integer is not None and percent.integer < 100:
            yield report.error(
                percent,
                f"canaryTrafficPercent {percent.integer} is ignored in Standard mode: "
                f"the new version gets 100 % at once.{workload.mode.caveat}",
                "use spec.canary (KServe 0.20, Standard mode), or Knative mode",
            )


class AutoUpdateDisabled:
    """An annotation that stops KServe from acting, on a service whose traffic is to move.

    Source: KServe ``InferenceServiceReconciler.Reconcile`` returns at once when the annotation is
    "true" and the service is ready (``controller.go``): percent writes have no effect either.
    """

    id = "auto-update-disabled"

    def check(self, document: Document, context: Context, report: Report) -> Iterable[Finding]:
        annotation = document.annotations.get(NO_UPDATES)
        if (document.api, document.kind) != SERVICE or not annotation:
            return
        if annotation.text != "true":
            return
        reason = next(self._reasons(document, context), None)
        if reason is not None:
            yield report.error(
                annotation,
                f"{NO_UPDATES} stops KServe once the service is ready, and {reason}: "
                "no write reaches Knative any more.",
                "remove the annotation; an InferenceRollout with `suspend` holds changes back",
            )

    def _reasons(self, document: Document, context: Context) -> Iterator[str]:
        for component in document.spec.fields:
            percent = document.spec.at(component, "canaryTrafficPercent").integer
            if percent is not None:
                yield f"{component} has canaryTrafficPercent {percent}"
        for other in context.documents:
            targeted = other.spec.at("targetRef", "name").text == document.name
            if targeted and (other.group, other.kind) == ROLLOUT and other.near(document):
                yield f"{other.title} is to move its traffic"
