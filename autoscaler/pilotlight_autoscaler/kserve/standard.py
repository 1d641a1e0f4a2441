"""An InferenceService without Knative: a Deployment has the place of a revision."""

from collections.abc import Iterable, Mapping, Sequence

from pilotlight.kube.document import Document, condition
from pilotlight_autoscaler.kserve.places import Place, deployment_of
from pilotlight_autoscaler.kserve.pods import has_node, is_ready, unschedulable
from pilotlight_autoscaler.observation import Lever, Revision

WHOLE = 100


def lever_of(place: Place | None) -> Lever:
    """What holds the floor there."""
    return Lever.KEDA if place is not None and place.is_keda else Lever.STANDARD


def deployed(
    service: Document,
    place: Place | None,
    deployments: Iterable[Document],
    pods: Mapping[str, Sequence[Document]],
) -> tuple[Revision, Document] | None:
    """The predictor's Deployment as a version with all of the traffic; ``None``: not there yet.

    KServe's own canaries of Standard mode (``spec.canary``) are Deployments beside it, whose fixed
    replicas follow from the same ``minReplicas``: they are not counted.

    Args:
        service: The InferenceService.
        place: Where its minimum is written; ``None``: nobody that we know scales it, and no floor
            can be held.
        deployments: Of the namespace.
        pods: By the Deployment that they are of.
    """
    name = deployment_of(service)
    document = next((one for one in deployments if one["metadata"]["name"] == name), None)
    if document is None:
        return None
    own = pods.get(name, ())
    revision = Revision(
        name=name,
        percent=WHOLE,
        floor=0 if place is None else place.now,
        ceiling=0 if place is None else place.ceiling,
        ready=sum(map(is_ready, own)),
        starting=sum(has_node(pod) and not is_ready(pod) for pod in own),
        unschedulable=unschedulable(own) or _no_room(document),
    )
    return revision, document


def _no_room(deployment: Document) -> str:
    found = condition(deployment, "ReplicaFailure")
    if found is None or not found.is_true:
        return ""
    return ": ".join(part for part in (found.reason, found.message) if part)
