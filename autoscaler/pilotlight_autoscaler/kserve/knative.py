"""An InferenceService on Knative: its Revisions, and how the traffic is split among them."""

from collections.abc import Iterable, Mapping, Sequence

from pilotlight.floors.bounds import bounds_of
from pilotlight.kserve.names import COMPONENT, is_seen, labels
from pilotlight.kserve.names import SERVICE as OF_SERVICE
from pilotlight.kserve.split import split_of
from pilotlight.kube.document import Document, condition
from pilotlight_autoscaler.kserve.pods import has_node, is_ready, unschedulable
from pilotlight_autoscaler.observation import Revision

COMPONENTS = frozenset({"predictor", "transformer", "explainer"})
NO_ROOM = frozenset({"Unschedulable", "SchedulingGated"})
QUOTA = "exceeded quota"


def revisions_of(
    service: str,
    revisions: Iterable[Document],
    routes: Iterable[Document],
    pods: Mapping[str, Sequence[Document]],
) -> dict[str, tuple[Revision, Document]]:
    """The revisions of a service, by name.

    Args:
        service: Name of the InferenceService.
        revisions: Of the namespace.
        routes: Of the namespace; those that KServe made have its labels.
        pods: By the revision that they are of.
    """
    percents = shares(service, routes)
    found = {}
    for document in revisions:
        component = labels(document).get(COMPONENT, "")
        if labels(document).get(OF_SERVICE) != service or component not in COMPONENTS:
            continue
        name = document["metadata"]["name"]
        found[name] = (
            _revision(document, component, percents.get(name, 0), pods.get(name, ())),
            document,
        )
    return found


def shares(service: str, routes: Iterable[Document]) -> dict[str, int]:
    """Percent of each component's traffic by revision; empty while the gateway changes over."""
    found: dict[str, int] = {}
    for route in routes:
        if labels(route).get(OF_SERVICE) == service:
            found |= {name: percent for name, percent in split_of(route).items() if name}
    return found


def _revision(
    document: Document, component: str, percent: int, pods: Sequence[Document]
) -> Revision:
    bounds = bounds_of(document)
    return Revision(
        name=document["metadata"]["name"],
        component=component,
        percent=percent,
        floor=bounds.minimum or 0,
        ceiling=bounds.ceiling,
        ready=sum(map(is_ready, pods)),
        starting=sum(has_node(pod) and not is_ready(pod) for pod in pods),
        unschedulable=unschedulable(pods) or _no_room(document),
    )


def _no_room(document: Document) -> str:
    """What the Revision says where no pod could even be made."""
    found = condition(document, "Ready") if is_seen(document) else None
    if found is None or found.is_true:
        return ""
    if found.reason not in NO_ROOM and QUOTA not in found.message:
        return ""
    return ": ".join(part for part in (found.reason, found.message) if part)
