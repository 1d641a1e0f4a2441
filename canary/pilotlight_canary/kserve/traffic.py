"""Writes to the InferenceService: the split, the template, and what KServe takes for rolled out."""

from collections.abc import Mapping
from typing import Any

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Component
from pilotlight.errors import ClusterError, Conflict
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_SERVICE
from pilotlight.kube.merge import merge_patch
from pilotlight_canary.admission.template import TEMPLATE_HASH, template_hash
from pilotlight_canary.decision import Desired
from pilotlight_canary.kserve.fence import Fence
from pilotlight_canary.kserve.template import PERCENT, Templates, template_of
from pilotlight_canary.observation import ComponentView, Service

WHOLE = 100


class TemplateUnknown(ClusterError):
    """Nobody has seen the InferenceService while it made that revision."""


class Traffic:
    """Makes an InferenceService split its traffic as it is desired."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def write(self, rollout: InferenceRollout, service: Service, desired: Desired) -> None:
        """One write for spec and split together, and one for the status if it needs repair.

        The spec goes first: as long as it says 100 %, KServe takes the latest revision for the
        rolled-out one, whatever is written into its status.

        Raises:
            Conflict: The service says something else than when it was observed.
            TemplateUnknown: What is to be restored was never seen; all else is written.
        """
        fence = Fence(self._cluster, service)
        change = _percents(service, desired)
        template = Templates(self._cluster, rollout).load(desired.restore)
        if template is not None:
            change = _restoration(self._now(service), template, change)
        if change:
            fence.patch(change)
        if repair := repairs(service, desired):
            fence.patch({"status": {"components": repair}}, subresource="status")
        if desired.restore and template is None:
            raise TemplateUnknown(
                f"the template of {desired.restore} cannot be restored: it was replaced before "
                "this rollout had seen it. Apply the old version's manifest again"
            )

    def _now(self, service: Service) -> Document:
        reference = Reference(INFERENCE_SERVICE, service.name, service.namespace)
        now = self._cluster.get(reference)
        if now["metadata"]["generation"] != service.generation:
            raise Conflict(f"{reference} has changed since it was observed")
        return now


def repairs(service: Service, desired: Desired) -> dict[str, dict[str, str]]:
    """What KServe's status has to say instead, by component.

    The previous revision becomes the rolled-out one, too: KServe may take a hold for a rollback
    while Knative's Route is ahead of its Configuration, and then the one to which it would go
    back is the right one.
    """
    changes = {}
    for component, revision in desired.rolled_out.items():
        view = service.components.get(component)
        if view is None or revision not in service.revisions:
            continue
        if _takes_latest(view, desired.percents.get(component)) and view.latest_ready != revision:
            continue
        change = {}
        if view.rolled_out != revision:
            change["latestRolledoutRevision"] = revision
        if view.previous not in ("", revision):
            change["previousRolledoutRevision"] = revision
        if change:
            changes[str(component)] = change
    return changes


def _takes_latest(view: ComponentView, percent: int | None) -> bool:
    percent = view.percent if percent is None else percent
    return percent is None or percent >= WHOLE


def _percents(service: Service, desired: Desired) -> dict[str, Any]:
    spec = {
        str(component): {PERCENT: percent}
        for component, percent in desired.percents.items()
        if (view := service.components.get(component)) is not None
        and percent != (WHOLE if view.percent is None else view.percent)
    }
    return {"spec": spec} if spec else {}


def _restoration(now: Document, template: Document, percents: Mapping[str, Any]) -> dict[str, Any]:
    """The change that gives a service an old template again, and the split in the same write."""
    component = Component(template["component"])
    then: Document = {
        "metadata": {"labels": template["labels"], "annotations": template["annotations"]},
        "spec": {component: template["spec"]},
    }
    # As the webhook would write it; without a webhook it makes the new revision certain.
    digest = template_hash(then, component)
    part = dict(template["spec"])
    part["annotations"] = {**(part.get("annotations") or {}), TEMPLATE_HASH: digest}
    was = template_of(now, component)
    change: dict[str, Any] = {}
    metadata = merge_patch(
        {"labels": was["labels"], "annotations": was["annotations"]}, then["metadata"]
    )
    if metadata:
        change["metadata"] = metadata
    spec: dict[str, Any] = {name: dict(value) for name, value in percents.get("spec", {}).items()}
    if difference := merge_patch(was["spec"], part):
        spec[component] = spec.get(component, {}) | difference
    if spec:
        change["spec"] = spec
    return change
