"""What happens without the controller: pools that it left alone get their safe floor.

Knative expires no annotation, so that something else has to write: a CronJob with an account of
its own, which looks at the controller's Lease, and decides with the same policy.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pilotlight.api.stored import understood, write_status
from pilotlight.api.warmpool import WarmPool, WarmPoolStatus
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import NotInCluster, PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import WARM_POOL
from pilotlight_autoscaler.kserve.act import Target, all_targets
from pilotlight_autoscaler.kserve.observe import Observer, Seen
from pilotlight_autoscaler.kserve.pools import keep_until_released
from pilotlight_autoscaler.policy.decide import decide_blind
from pilotlight_autoscaler.policy.fail_safe import is_due

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rescued:
    """What was done for one pool.

    Args:
        pool: ``namespace/name``.
        floor: What holds now.
        message: Why.
        changed: Whether it held something else before.
    """

    pool: str
    floor: int
    message: str
    changed: bool


@dataclass(frozen=True)
class Report:
    """What a run of the fail-safe came to.

    Args:
        lease_age_s: Since the controller's last sign of life; ``None``: there is no Lease.
        pools: How many there are.
        rescued: Those that it had left alone for too long.
        faults: What could not be done, and why.
    """

    lease_age_s: float | None
    pools: int = 0
    rescued: tuple[Rescued, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sign:
    """A controller's last sign of life.

    Args:
        age_s: Since then; negative where clocks disagree.
        holder: Who leads; empty: a leader that ended well.
    """

    age_s: float
    holder: str


def last_sign(cluster: Cluster, lease: Reference, clock: Clock) -> Sign | None:
    """What a controller's Lease says; ``None``: there is none.

    Raises:
        ClusterError: It cannot be read.
    """
    try:
        spec = cluster.get(lease).get("spec") or {}
    except NotInCluster:
        return None
    if not spec.get("renewTime"):
        return None
    age_s = clock.time() - datetime.fromisoformat(spec["renewTime"]).timestamp()
    return Sign(age_s, spec.get("holderIdentity") or "")


@dataclass(frozen=True)
class FailSafe:
    """One run of it.

    Args:
        cluster: Where the pools are.
        lease: The controller's.
        clock: Compared with the Lease's time, which another machine has written.
    """

    cluster: Cluster
    lease: Reference
    clock: Clock = field(default_factory=SystemClock)

    def run(self, namespaces: Sequence[str] = ()) -> Report:
        """Look once at all pools.

        Args:
            namespaces: Whose; none: everybody's.

        Raises:
            ClusterError: The Lease or the pools cannot be read: nothing was done.
        """
        sign = last_sign(self.cluster, self.lease, self.clock)
        age_s = sign.age_s if sign else None
        places: Sequence[str | None] = namespaces or (None,)
        documents = [one for place in places for one in self.cluster.list(WARM_POOL, place)]
        by_namespace: dict[str, list[Document]] = {}
        for document in documents:
            if not document["metadata"].get("deletionTimestamp"):
                by_namespace.setdefault(document["metadata"]["namespace"], []).append(document)
        rescued: list[Rescued] = []
        faults: list[str] = []
        observer, target = Observer(self.cluster, self.clock), all_targets(self.cluster, self.clock)
        for namespace, own in sorted(by_namespace.items()):
            try:
                rescued += self._rescue(namespace, own, age_s, observer, target, faults)
            except PilotlightError as error:
                faults.append(f"{namespace}: {error}")
        return Report(age_s, len(documents), tuple(rescued), tuple(faults))

    def _rescue(
        self,
        namespace: str,
        documents: Sequence[Document],
        age_s: float | None,
        observer: Observer,
        target: Target,
        faults: list[str],
    ) -> list[Rescued]:
        due = list(_due(documents, age_s, faults))
        if not due:
            return []
        seen = observer.look(namespace, {pool.spec.target_ref.name for pool, _ in due})
        found = []
        for pool, document in due:
            try:
                found.append(self._decide(pool, document, seen))
            except PilotlightError as error:
                faults.append(f"{namespace}/{pool.metadata.name}: {error}")
        target.settle(namespace)
        return found

    def _decide(self, pool: WarmPool, document: Document, seen: Mapping[str, Seen]) -> Rescued:
        service = seen.get(pool.spec.target_ref.name)
        now = datetime.fromtimestamp(self.clock.time(), UTC)
        decision = decide_blind(pool.spec, pool.status, service.service if service else None, now)
        if decision.floors:
            document = keep_until_released(self.cluster, document)
        write_status(self.cluster, WARM_POOL, document, decision.status)
        return Rescued(
            f"{pool.metadata.namespace}/{pool.metadata.name}",
            decision.status.floor,
            decision.status.message,
            _held(pool.status) != _held(decision.status),
        )


def _due(
    documents: Sequence[Document], age_s: float | None, faults: list[str]
) -> Iterator[tuple[WarmPool, Document]]:
    for document in documents:
        try:
            pool = understood(WarmPool, document)
        except PilotlightError as error:
            faults.append(str(error))
            continue
        if is_due(pool.spec, age_s):
            yield pool, document


def _held(status: WarmPoolStatus) -> Mapping[str, int]:
    return {claim.revision: claim.replicas for claim in status.floors}
