"""Taking the traffic off a revision whose pods are all down.

Knative changes nothing at the gateway while any revision that a Route leads to is not ready, the
latest one at 0 % included (``configureTraffic`` in its Route's reconciler): of a canary that
crashes, of all versions, the traffic cannot be taken. The latest one is whichever the
Configuration's status names, and Knative looks for a later one only among those after it: once
the status names the version before, the Route is free, until the canary is ready again.
"""

from collections.abc import Mapping

from pilotlight.api.rollout_status import Component
from pilotlight.kserve.names import COMPONENT, SERVICE
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import reference_to
from pilotlight.kube.kinds import CONFIGURATION
from pilotlight_canary.decision import Desired
from pilotlight_canary.observation import ComponentView, Readiness, Service


def blocked(service: Service, desired: Desired) -> Mapping[Component, str]:
    """Components whose latest revision keeps its traffic, and the revision to go back to."""
    found = {}
    for component, percent in desired.percents.items():
        view = service.components.get(component)
        if view is None or percent:
            continue
        target = desired.rolled_out.get(component) or view.rolled_out
        if (
            target != view.latest_ready
            and _may_have_traffic(view)
            and not _is_ready(service, view.latest_ready)
            and _is_ready(service, target)
        ):
            found[component] = target
    return found


def unblock(cluster: Cluster, service: Service, desired: Desired) -> None:
    """Let Knative's Routes go on without the revisions that hold them up."""
    for component, target in blocked(service, desired).items():
        labels = f"{SERVICE}={service.name},{COMPONENT}={component}"
        for configuration in cluster.list(CONFIGURATION, service.namespace, labels=labels):
            cluster.patch(
                reference_to(configuration),
                {"status": {"latestReadyRevisionName": target}},
                subresource="status",
            )


def _may_have_traffic(view: ComponentView) -> bool:
    return not view.traffic or view.traffic.get(view.latest_ready, 0) > 0


def _is_ready(service: Service, name: str) -> bool:
    revision = service.revisions.get(name)
    return revision is not None and revision.readiness is Readiness.READY
