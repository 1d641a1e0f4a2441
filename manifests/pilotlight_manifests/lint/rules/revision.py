"""Edits that cost more than they seem to."""

from collections.abc import Iterable, Iterator, Sequence

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.reading import SERVICE, mode_of
from pilotlight_manifests.lint.rules.rule import Context

SCALING = ("minReplicas", "maxReplicas", "scaleTarget", "scaleMetric")
TRAFFIC = ("canaryTrafficPercent",)


class ScalingEditMakesRevision:
    """An edit of scaling alone deploys a new revision: every pod starts anew, traffic moves.

    KServe writes these fields into the template of the Knative service, as annotations
    (``SetAutoScalingAnnotations``, ``pkg/controller/v1alpha1/utils``). Since Knative 1.21 the
    annotation is mutable on the revision itself. Needs ``--against``; silent when the template
    changes anyway.
    """

    id = "scaling-edit-makes-revision"

    def check(self, document: Document, context: Context, report: Report) -> Iterable[Finding]:
        mode = mode_of(document, context.options)
        if (document.api, document.kind) != SERVICE or not mode.knative:
            return
        before = _same(document, context.options.previous or ())
        if before is None:
            return
        for component in ("predictor", "transformer", "explainer"):
            old, new = before.spec.at(component), document.spec.at(component)
            edits = [name for name in SCALING if old.at(name).plain != new.at(name).plain]
            if not edits or _template(old) != _template(new):
                continue
            changes = ", ".join(
                f"{name} {old.at(name).plain} -> {new.at(name).plain}" for name in edits
            )
            yield report.warning(
                new.at(edits[0]),
                f"{component}: {changes} alone makes a new revision: all pods start cold, and the "
                f"old ones go.{mode.caveat}",
                _advice(edits),
            )


def _advice(edits: Sequence[str]) -> str:
    if list(edits) == ["minReplicas"]:
        return (
            "change the floor on the revision: kubectl annotate revision NAME "
            "autoscaling.knative.dev/min-scale=N --overwrite, or let a WarmPool do it"
        )
    return "make the edit together with the next new version"


def _template(spec: object) -> dict[str, object]:
    fields = getattr(spec, "fields", {})
    return {n: f.plain for n, f in fields.items() if n not in SCALING + TRAFFIC}


def _same(document: Document, previous: Sequence[Document]) -> Document | None:
    def matches() -> Iterator[Document]:
        for other in previous:
            same = (other.kind, other.name) == (document.kind, document.name)
            if same and other.near(document):
                yield other

    return next(matches(), None)
