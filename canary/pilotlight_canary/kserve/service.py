"""An InferenceService as a frozen value, from the objects that make it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pilotlight.api.rollout_status import Component
from pilotlight.kserve.names import COMPONENT, labels
from pilotlight.kserve.split import split_of
from pilotlight.kube.document import Document
from pilotlight_canary.kserve.names import TEMPLATE_HASH
from pilotlight_canary.kserve.pods import by_revision
from pilotlight_canary.kserve.revision import revision_of
from pilotlight_canary.kserve.settled import unsettled
from pilotlight_canary.observation import ComponentView, Service


@dataclass(frozen=True)
class Parts:
    """What belongs to an InferenceService."""

    services: Sequence[Document]
    routes: Sequence[Document]
    revisions: Sequence[Document]
    pods: Sequence[Document]


def service_of(document: Document, parts: Parts, mode: str) -> Service:
    """See an InferenceService and all its parts as one."""
    metadata = document["metadata"]
    knative = _by_component(parts.services)
    routes = _by_component(parts.routes)
    views: dict[Component, ComponentView] = {}
    reasons = []
    for component in Component:
        if (document["spec"].get(component)) is None:
            continue
        views[component] = view = _view(document, component, routes.get(component))
        if reason := unsettled(view, knative.get(component)):
            reasons.append(f"{component}: {reason}")
    pods = by_revision(parts.pods)
    revisions = [
        revision_of(revision, owner, pods.get(revision["metadata"]["name"], ()))
        for revision in parts.revisions
        if (owner := _component(revision)) is not None
    ]
    return Service(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        settled=not reasons,
        mode=mode,
        components=views,
        revisions={revision.name: revision for revision in revisions},
        generation=metadata.get("generation", 0),
        unsettled="; ".join(reasons),
    )


def _view(document: Document, component: Component, route: Document | None) -> ComponentView:
    spec: dict[str, Any] = document["spec"][component]
    components: Mapping[str, Any] = (document.get("status") or {}).get("components") or {}
    status: Mapping[str, Any] = components.get(component) or {}
    return ComponentView(
        percent=spec.get("canaryTrafficPercent"),
        template_hash=(spec.get("annotations") or {}).get(TEMPLATE_HASH, ""),
        latest_created=status.get("latestCreatedRevision", ""),
        latest_ready=status.get("latestReadyRevision", ""),
        rolled_out=status.get("latestRolledoutRevision", ""),
        previous=status.get("previousRolledoutRevision", ""),
        traffic={} if route is None else split_of(route),
    )


def _by_component(documents: Sequence[Document]) -> dict[Component, Document]:
    found = {}
    for document in documents:
        if (component := _component(document)) is not None:
            found[component] = document
    return found


def _component(document: Document) -> Component | None:
    try:
        return Component(labels(document).get(COMPONENT, ""))
    except ValueError:
        return None  # An explainer: nobody rolls that out.
