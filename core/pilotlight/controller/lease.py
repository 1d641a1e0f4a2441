"""Who leads: one Lease, taken and renewed by whoever's write the API server accepts.

The rules are those of client-go's ``tools/leaderelection``: clocks of machines are never compared;
a lease has expired when its record has not changed for its duration by one's own clock.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from pilotlight.clock import Clock
from pilotlight.errors import Conflict, NotInCluster
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import LEASE


@dataclass(frozen=True)
class Term:
    """How long a leader leads without a sign of life.

    Args:
        lease_s: Others wait for so long.
        renew_deadline_s: It stops itself after so long; shorter, for calls under way to end.
        retry_s: Time between two attempts.
    """

    lease_s: float = 15
    renew_deadline_s: float = 10
    retry_s: float = 2


@dataclass(frozen=True)
class _Record:
    """What a Lease says; another record is a sign of life."""

    holder: str
    renewed: str
    version: str


class Election:
    """Attempts at one Lease, for one candidate.

    Args:
        cluster: With calls shorter than the term.
        lease: Which Lease.
        identity: The candidate's name: no other process may have the same.
        term: The times.
        clock: Its monotonic time is compared with itself only.
    """

    def __init__(
        self, cluster: Cluster, lease: Reference, identity: str, term: Term, clock: Clock
    ) -> None:
        self._cluster = cluster
        self._lease = lease
        self._identity = identity
        self._term = term
        self._clock = clock
        self._seen: tuple[_Record, float] | None = None
        self.leader = ""
        """Who leads, as far as is known."""
        self.has_word = False
        """Whether the API server has ever said who leads."""

    @property
    def was_taken(self) -> bool:
        """Another one leads."""
        return self.leader not in ("", self._identity)

    def attempt(self) -> bool:
        """Take the lease or renew it; whether it is ours now.

        Raises:
            ClusterError: The API server did not say.
        """
        try:
            found = self._cluster.get(self._lease)
        except NotInCluster:
            return self._create()
        spec = found.get("spec") or {}
        self.has_word = True
        self.leader = spec.get("holderIdentity") or ""
        if self.leader and self.leader != self._identity and self._is_alive(found):
            return False
        return self._write(found)

    def release(self) -> None:
        """Leave the lease to others, if it is ours.

        Raises:
            ClusterError: The API server did not do it; the lease will run out.
        """
        found = self._cluster.get(self._lease)
        if (found.get("spec") or {}).get("holderIdentity") != self._identity:
            return
        # One second is the shortest that the API server takes.
        spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._now()}
        self._patch(found, spec)

    def _is_alive(self, found: Document) -> bool:
        spec = found["spec"]
        record = _Record(
            spec["holderIdentity"],
            spec.get("renewTime") or "",
            found["metadata"]["resourceVersion"],
        )
        now = self._clock.monotonic()
        if self._seen is None or self._seen[0] != record:
            self._seen = (record, now)
        duration_s = float(spec.get("leaseDurationSeconds") or self._term.lease_s)
        return now - self._seen[1] < duration_s

    def _create(self) -> bool:
        metadata = {"name": self._lease.name, "namespace": self._lease.namespace}
        document: Document = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": metadata,
            "spec": self._claim(transitions=0) | {"acquireTime": self._now()},
        }
        try:
            self._cluster.create(document)
        except Conflict:
            return False
        self.has_word = True
        self.leader = self._identity
        return True

    def _write(self, found: Document) -> bool:
        spec = found.get("spec") or {}
        transitions = int(spec.get("leaseTransitions") or 0)
        change = self._claim(transitions)
        if spec.get("holderIdentity") != self._identity:
            change = self._claim(transitions + 1) | {"acquireTime": self._now()}
        try:
            self._patch(found, change)
        except Conflict:
            return False
        self.leader = self._identity
        return True

    def _claim(self, transitions: int) -> dict[str, object]:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._term.lease_s)),
            "renewTime": self._now(),
            "leaseTransitions": transitions,
        }

    def _patch(self, found: Document, spec: dict[str, object]) -> None:
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        self._cluster.patch(self._lease, {"metadata": version, "spec": spec})

    # MicroTime, for people: nothing is computed from it.
    def _now(self) -> str:
        moment = datetime.fromtimestamp(self._clock.time(), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
