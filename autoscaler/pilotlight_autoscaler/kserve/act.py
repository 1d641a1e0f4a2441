"""Makes the floors in the cluster what warm pools claim, whatever holds them there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import ClusterError, Conflict, NotInCluster
from pilotlight.floors.arbiter import Arbiter, published
from pilotlight.kserve.mode import KNATIVE, mode_of
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.kinds import INFERENCE_SERVICE, REVISION, SCALED_OBJECT, WARM_POOL
from pilotlight_autoscaler.kserve import notes
from pilotlight_autoscaler.kserve.minimums import Change, plan
from pilotlight_autoscaler.kserve.places import Place, places

ATTEMPTS = 4


class Target(Protocol):
    """A kind of lever, and the one writer of it."""

    def settle(self, namespace: str) -> None:
        """Make the floors of a namespace what its resources claim, and give back the others.

        A claim that has ended (with its warm pool, its time or its service) is given back here,
        too: to release is to settle once more.

        Raises:
            Conflict: Somebody has changed what was looked at: settle again.
            ClusterError: It could not be read or written; what was not done yet is done next time.
        """
        ...


class KnativeTarget:
    """min-scale on Revisions, by the arbiter that rollouts go through, too."""

    def __init__(self, cluster: Cluster, clock: Clock | None = None) -> None:
        self._cluster = cluster
        self._arbiter = Arbiter(cluster, clock)

    def settle(self, namespace: str) -> None:
        if self._cluster.serves(REVISION):
            self._arbiter.settle(namespace)


class MinimumsTarget:
    """Minimums of services without Knative: KServe's own, or a user's ScaledObject's.

    Args:
        cluster: Where they are.
        clock: Tells when a claim has expired.
    """

    def __init__(self, cluster: Cluster, clock: Clock | None = None) -> None:
        self._cluster = cluster
        self._clock = clock or SystemClock()

    def settle(self, namespace: str) -> None:
        pools = self._cluster.list(WARM_POOL, namespace)
        claims = [claim for pool in pools for claim in published(pool)]
        written = notes.read(self._cluster, namespace)
        if not claims and not written.version:
            return
        found = self._places(namespace)
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        planned = plan(claims, found, written.by_place, now)
        if planned.changes:
            written = notes.write(self._cluster, namespace, written, planned.notes)
        for change in planned.changes:
            self._write(change)
        notes.write(self._cluster, namespace, written, planned.left)

    def _places(self, namespace: str) -> Sequence[Place]:
        services = [
            service
            for service in self._cluster.list(INFERENCE_SERVICE, namespace)
            if not service["metadata"].get("deletionTimestamp")
            and mode_of(self._cluster, service) != KNATIVE
        ]
        has_keda = self._cluster.serves(SCALED_OBJECT)
        scaled = self._cluster.list(SCALED_OBJECT, namespace) if has_keda else ()
        return places(services, scaled)

    def _write(self, change: Change) -> None:
        """Fenced: what somebody else has made of it since it was looked at stays.

        Statuses change often while pods come and go; those do not outdate a change of the spec.
        """
        place = change.place
        seen = place.document["metadata"]
        version, generation = seen["resourceVersion"], seen.get("generation")
        for attempt in range(ATTEMPTS):
            body = change.place.change(change.minimum, change.idle)
            body["metadata"] = {"resourceVersion": version}
            try:
                self._cluster.patch(place.reference, body)
            except NotInCluster:
                return  # Its floor went with it.
            except Conflict:
                metadata = self._cluster.get(place.reference)["metadata"]
                if metadata.get("generation") != generation or attempt == ATTEMPTS - 1:
                    raise
                version = metadata["resourceVersion"]
            else:
                return


class Targets:
    """All of them, one after the other: one that fails does not keep the next one back.

    Args:
        targets: In order.
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets

    def settle(self, namespace: str) -> None:
        failed: list[ClusterError] = []
        for target in self._targets:
            try:
                target.settle(namespace)
            except ClusterError as error:
                failed.append(error)
        if failed:
            first, *others = failed
            for other in others:
                first.add_note(str(other))
            raise first


def all_targets(cluster: Cluster, clock: Clock | None = None) -> Targets:
    """Every lever that there is."""
    return Targets((KnativeTarget(cluster, clock), MinimumsTarget(cluster, clock)))
