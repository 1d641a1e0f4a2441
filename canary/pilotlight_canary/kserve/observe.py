"""Looks at the API server: every look is a handful of calls, whatever the cluster's size."""

from collections.abc import Mapping

from pilotlight.api.rollout import InferenceRollout
from pilotlight.errors import NotInCluster
from pilotlight.kserve import names
from pilotlight.kserve.mode import mode_of
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import (
    DEPLOYMENT,
    INFERENCE_SERVICE,
    KNATIVE_SERVICE,
    NODE,
    POD,
    RESOURCE_QUOTA,
    REVISION,
    ROUTE,
)
from pilotlight_canary.kserve import routes
from pilotlight_canary.kserve.room import room
from pilotlight_canary.kserve.service import Parts, service_of
from pilotlight_canary.observation import OwnRoute, Role, Room, Service


class Observer:
    """Sees a rollout's surroundings.

    Args:
        cluster: Where they are. All methods raise ``ClusterError`` where it cannot be asked.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def service(self, namespace: str, name: str) -> Service | None:
        """The InferenceService of that name with its revisions; ``None``: there is none."""
        try:
            document = self._cluster.get(Reference(INFERENCE_SERVICE, name, namespace))
        except NotInCluster:
            return None
        label = f"{names.SERVICE}={name}"
        parts = Parts(
            services=self._cluster.list(KNATIVE_SERVICE, namespace, labels=label),
            routes=self._cluster.list(ROUTE, namespace, labels=label),
            revisions=self._cluster.list(REVISION, namespace, labels=label),
            pods=self._cluster.list(POD, namespace, labels=label),
        )
        return service_of(document, parts, mode_of(self._cluster, document))

    def routes(self, rollout: InferenceRollout) -> Mapping[Role, OwnRoute]:
        """Our own Routes of a rollout."""
        found = self._cluster.list(
            ROUTE, rollout.metadata.namespace, labels=routes.selector(rollout)
        )
        return routes.own_routes(found)

    def room(self, service: Service, revision: str, wanted: int) -> Room:
        """Whether so many more pods of a revision would find a place.

        The only look at the whole cluster: for when there is doubt.
        """
        if wanted <= 0:
            return Room(0)
        template = self._pod_template(service.namespace, revision)
        if template is None:
            return Room(0, f"Knative has made no deployment for {revision} yet")
        return room(
            template,
            self._cluster.list(NODE),
            self._cluster.list(POD),
            self._cluster.list(RESOURCE_QUOTA, service.namespace),
            wanted,
        )

    def _pod_template(self, namespace: str, revision: str) -> Document | None:
        """What Knative makes a revision's pods from, its queue-proxy included."""
        label = f"{names.REVISION}={revision}"
        for deployment in self._cluster.list(DEPLOYMENT, namespace, labels=label):
            template: Document = deployment["spec"]["template"]
            return template
        return None
