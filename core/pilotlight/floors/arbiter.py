"""Carries the largest claim to each Revision, and nothing else writes min-scale there."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from pilotlight.api.meta import FloorClaim
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import NotInCluster
from pilotlight.floors import book
from pilotlight.floors.bounds import MIN_SCALE, OLD_SPELLING, bounds_of
from pilotlight.floors.plan import Change, Plan, plan
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, REVISION, WARM_POOL

CLAIMANTS = (INFERENCE_ROLLOUT, WARM_POOL)
_CLAIMS: TypeAdapter[tuple[FloorClaim, ...]] = TypeAdapter(tuple[FloorClaim, ...])


class Settlement:
    """One look at a namespace's claims, carried out in two halves.

    Raises come before whatever needs the capacity, the rest after what still used it.
    """

    def __init__(self, cluster: Cluster, namespace: str, read: book.Book, plan: Plan) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._book = read
        self.plan = plan

    def raise_floors(self) -> None:
        """Write what goes up, once it is written down what was there before."""
        if self.plan.changes:
            self._book = book.write(self._cluster, self._namespace, self._book, self.plan.originals)
        self._write([change for change in self.plan.changes if change.is_raise])

    def lower_floors(self) -> None:
        """Write what goes down or back, and forget what nobody claims any more."""
        self._write([change for change in self.plan.changes if not change.is_raise])
        book.write(self._cluster, self._namespace, self._book, self.plan.left)

    def _write(self, changes: Sequence[Change]) -> None:
        for change in changes:
            value = None if change.after is None else str(change.after)
            # The old spelling would come back into force where ours is taken away.
            annotations = {MIN_SCALE: value, OLD_SPELLING[MIN_SCALE]: None}
            try:
                self._cluster.patch(
                    Reference(REVISION, change.revision, self._namespace),
                    {"metadata": {"annotations": annotations}},
                )
            except NotInCluster:
                continue  # Its floor went with it.


class Arbiter:
    """Sees what rollouts and warm pools claim, and makes the revisions' floors follow.

    Args:
        cluster: Where they are.
        clock: Tells when a claim has expired.
    """

    def __init__(self, cluster: Cluster, clock: Clock | None = None) -> None:
        self._cluster = cluster
        self._clock = clock or SystemClock()

    def settle(self, namespace: str) -> None:
        """Make every floor of a namespace what is claimed now."""
        settlement = self.look(namespace)
        settlement.raise_floors()
        settlement.lower_floors()

    def look(self, namespace: str) -> Settlement:
        """What there would be to write in a namespace."""
        read = book.read(self._cluster, namespace)
        revisions = {
            revision["metadata"]["name"]: bounds_of(revision)
            for revision in self._cluster.list(REVISION, namespace)
        }
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        claims = [claim for kind in CLAIMANTS for claim in self._claims(kind, namespace)]
        return Settlement(
            self._cluster, namespace, read, plan(claims, revisions, read.originals, now)
        )

    def _claims(self, kind: Kind, namespace: str) -> list[FloorClaim]:
        if not self._cluster.serves(kind):
            return []
        return [
            claim
            for claimant in self._cluster.list(kind, namespace)
            for claim in published(claimant)
        ]


def published(claimant: Document) -> tuple[FloorClaim, ...]:
    """What a resource claims; nothing once it is being deleted."""
    if claimant["metadata"].get("deletionTimestamp"):
        return ()
    claims = (claimant.get("status") or {}).get("floors") or ()
    try:
        return _CLAIMS.validate_python(claims)
    except ValidationError:
        return ()  # Of another version of Pilotlight: its own controller sees to it.
