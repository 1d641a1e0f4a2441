"""Our own Routes: one cluster-local address for each version."""

from collections.abc import Iterable, Mapping

from pilotlight.api.meta import API_VERSION
from pilotlight.api.rollout import InferenceRollout
from pilotlight.kserve.names import fitting, is_seen
from pilotlight.kserve.names import labels as labels_of
from pilotlight.kserve.split import total
from pilotlight.kube.document import Document, condition
from pilotlight.kube.kinds import ROUTE
from pilotlight_canary.kserve.names import ROLE, ROLLOUT, VISIBILITY, route_name
from pilotlight_canary.observation import OwnRoute, Role


def selector(rollout: InferenceRollout) -> str:
    """A label selector for the Routes of a rollout."""
    return f"{ROLLOUT}={fitting(rollout.metadata.name)}"


def route(rollout: InferenceRollout, role: Role, revision: str) -> Document:
    """Our Route to a revision; it goes with its rollout."""
    metadata = rollout.metadata
    return {
        "apiVersion": ROUTE.api_version,
        "kind": ROUTE.name,
        "metadata": {
            "name": route_name(rollout.spec.target_ref.name, role),
            "namespace": metadata.namespace,
            "labels": {
                VISIBILITY: "cluster-local",
                ROLLOUT: fitting(metadata.name),
                ROLE: str(role),
            },
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "InferenceRollout",
                    "name": metadata.name,
                    "uid": metadata.uid,
                    "controller": True,
                }
            ],
        },
        "spec": {"traffic": [{"revisionName": revision, "latestRevision": False, "percent": 100}]},
    }


def own_routes(documents: Iterable[Document]) -> Mapping[Role, OwnRoute]:
    """What a rollout's Routes are like."""
    return {
        role: own_route(document)
        for document in documents
        if (role := role_of(document)) is not None
        and not document["metadata"].get("deletionTimestamp")
    }


def role_of(document: Document) -> Role | None:
    """To which version one of our Routes leads."""
    label = labels_of(document).get(ROLE)
    return Role(label) if label in set(Role) else None


def own_route(document: Document) -> OwnRoute:
    """One of them."""
    told = "".join(total(document["spec"].get("traffic") or []))
    status = document.get("status") or {}
    found = condition(document, "Ready")
    leads_there = set(total(status.get("traffic") or [])) == {told}
    is_ready = found is not None and found.is_true and is_seen(document) and leads_there
    message = "Knative has not seen it yet"
    if found is not None and not found.is_true:
        message = ": ".join(part for part in (found.reason, found.message) if part)
    url = (status.get("address") or {}).get("url") or ""
    return OwnRoute(told, is_ready, url if is_ready else "", "" if is_ready else message)
