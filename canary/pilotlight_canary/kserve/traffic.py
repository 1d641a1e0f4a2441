"""Writes to the InferenceService: the split, the template, and what KServe takes for rolled out.

Each write carries the version of the InferenceService that the decision was made on: if it is
another one by now, the decision may be wrong, and a new look is taken.
"""

from collections.abc import Mapping
from typing import Any

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Component
from pilotlight.errors import Conflict, OperationError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_SERVICE
from pilotlight_canary.admission.template import TEMPLATE_HASH, template_hash
from pilotlight_canary.decision import Desired
from pilotlight_canary.kserve.merge import merge_patch
from pilotlight_canary.kserve.template import PERCENT, Templates, template_of
from pilotlight_canary.observation import ComponentView, Readiness, Service

WHOLE = 100
ATTEMPTS = 3


class Traffic:
    """Makes an InferenceService split its traffic as it is desired."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def write(self, rollout: InferenceRollout, service: Service, desired: Desired) -> None:
        """One write for spec and split together, and one for the status if it needs repair.

        The spec goes first: as long as it says 100 %, KServe takes the latest revision for the
        rolled-out one, whatever is written into its status.

        Raises:
            Conflict: The service has changed since it was observed.
        """
        reference = Reference(INFERENCE_SERVICE, service.name, service.namespace)
        change = _percents(service, desired)
        if desired.restore:
            change = self._restored(rollout, service, desired.restore, change)
        version = service.resource_version
        generation = None
        if change:
            fenced = {**change, "metadata": change.get("metadata", {})}
            fenced["metadata"] = {**fenced["metadata"], "resourceVersion": version}
            written = self._cluster.patch(reference, fenced)["metadata"]
            version, generation = written["resourceVersion"], written["generation"]
        if repair := repairs(service, desired):
            self._repair(reference, repair, version, generation)

    def _repair(
        self,
        reference: Reference,
        components: Mapping[str, Any],
        version: str,
        generation: int | None,
    ) -> None:
        for attempt in range(ATTEMPTS):
            change = {
                "metadata": {"resourceVersion": version},
                "status": {"components": components},
            }
            try:
                self._cluster.patch(reference, change, subresource="status")
            except Conflict:
                # KServe answers our own write with one of its own, and that may be it.
                now = self._cluster.get(reference)["metadata"]
                if now["generation"] != generation or attempt == ATTEMPTS - 1:
                    raise
                version = now["resourceVersion"]
            else:
                return

    def _restored(
        self,
        rollout: InferenceRollout,
        service: Service,
        revision: str,
        percents: Mapping[str, Any],
    ) -> dict[str, Any]:
        template = Templates(self._cluster, rollout).load(revision)
        if template is None:
            raise OperationError(
                f"the template of {revision} cannot be restored: it was replaced before this "
                "rollout had seen it. Apply the old version's manifest again"
            )
        reference = Reference(INFERENCE_SERVICE, service.name, service.namespace)
        now = self._cluster.get(reference)
        if now["metadata"]["resourceVersion"] != service.resource_version:
            raise Conflict(f"{reference} has changed since it was observed")
        return _restoration(now, template, percents)


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


def blockers(service: Service, desired: Desired) -> tuple[str, ...]:
    """Revisions that keep Knative from taking the traffic off them.

    Knative changes nothing at the gateway while any revision that a Route names is not ready,
    the latest one at 0 % included: of a canary whose pods are all down the traffic cannot be
    taken. Once such a revision is deleted, its Configuration goes back to the one before, and
    makes it again at 0 %.
    """
    found = []
    for component, percent in desired.percents.items():
        view = service.components.get(component)
        if view is None or percent:
            continue
        revision = service.revisions.get(view.latest_ready)
        if (
            revision is not None
            and revision.readiness is not Readiness.READY
            and not revision.pods.ready
            and view.traffic.get(revision.name)
            and revision.name != desired.rolled_out.get(component)
            and revision.name not in desired.kept
        ):
            found.append(revision.name)
    return tuple(found)


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
