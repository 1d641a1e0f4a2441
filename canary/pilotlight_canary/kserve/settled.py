"""Whether KServe and Knative have seen an InferenceService as it is now.

KServe's own ``observedGeneration`` does not tell: it is the Knative service's (of the component
that it looked at last). So each component's Knative service is compared with what KServe would
write into it.
"""

from typing import Any

from pilotlight.kserve.names import is_seen
from pilotlight.kube.document import Document, condition
from pilotlight_canary.kserve.names import TEMPLATE_HASH
from pilotlight_canary.observation import ComponentView

OUT_OF_DATE = "OutOfDate"
WHOLE = 100


def unsettled(view: ComponentView, knative: Document | None) -> str:
    """What is still to come, in words; empty if nothing is.

    A change of a template that carries no hash and leaves the percentage as it was cannot be
    seen here before KServe acts on it, which takes it a fraction of a second.
    """
    if knative is None:
        return "KServe has not made its Knative service yet"
    if _written_hash(knative) != view.template_hash:
        return "KServe has not rendered the new template yet"
    if not _is_split_as_told(view, (knative["spec"].get("traffic")) or []):
        return "KServe has not passed the percentage on yet"
    if not is_seen(knative):
        return "Knative has not seen the change yet"
    for part in ("ConfigurationsReady", "RoutesReady"):
        found = condition(knative, part)
        if found is None or found.reason == OUT_OF_DATE:
            return "Knative has not carried the change out yet"
    status = knative["status"]
    seen = (view.latest_created, view.latest_ready)
    if seen != (
        status.get("latestCreatedRevisionName", ""),
        status.get("latestReadyRevisionName", ""),
    ):
        return "KServe has not taken note of Knative's revisions yet"
    return ""


def _written_hash(knative: Document) -> str:
    metadata = (knative["spec"].get("template") or {}).get("metadata") or {}
    return str((metadata.get("annotations") or {}).get(TEMPLATE_HASH, ""))


def _is_split_as_told(view: ComponentView, traffic: list[dict[str, Any]]) -> bool:
    """Whether the targets are as KServe makes them of the percentage (ksvc_reconciler.go)."""
    told = WHOLE if view.percent is None or not view.rolled_out else view.percent
    latest = sum(target.get("percent") or 0 for target in traffic if target.get("latestRevision"))
    rest = {
        target.get("revisionName"): target.get("percent") or 0
        for target in traffic
        if not target.get("latestRevision")
    }
    return latest == told and rest == ({view.rolled_out: WHOLE - told} if told < WHOLE else {})
