"""What a look sees of the cluster: the service, our Routes and, where it matters, the room."""

from dataclasses import dataclass

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Phase
from pilotlight_canary.kserve.observe import Observer
from pilotlight_canary.observation import Observation, Room, Service

WAITING = frozenset({Phase.HELD, Phase.NO_CAPACITY, Phase.WARMING})
"""Phases in which the canary's first pods may not be up."""


@dataclass(frozen=True)
class Surroundings:
    """Looks at the cluster.

    Args:
        observer: Of KServe and Knative.
    """

    observer: Observer

    def observe(self, rollout: InferenceRollout) -> Observation:
        """All but figures, tasks and requests."""
        namespace = rollout.metadata.namespace
        service = self.observer.service(namespace, rollout.spec.target_ref.name)
        routes = self.observer.routes(rollout)
        return Observation(service, routes, self._room(rollout, service))

    def _room(self, rollout: InferenceRollout, service: Service | None) -> Room | None:
        status = rollout.status
        if service is None or status.phase not in WAITING:
            return None
        canary = service.revisions.get(status.canary_revision)
        if canary is None:
            return None
        wanted = first_pods(rollout, canary.ceiling)
        if canary.pods.ready >= wanted or canary.pods.unschedulable:
            return None
        return self.observer.room(service, canary.name, wanted - canary.pods.total)


def first_pods(rollout: InferenceRollout, ceiling: int | None) -> int:
    """Pods that the first step needs."""
    status = rollout.status
    weight = 100 if status.returning else rollout.spec.analysis.weights[0]
    pods = max(1, -(-status.stable_replicas * weight // 100))
    return min(pods, ceiling) if ceiling else pods
