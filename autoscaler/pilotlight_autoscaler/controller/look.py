"""One look at the warm pools of a namespace: read, observe, share out, decide, store, act."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from pilotlight.api.stored import write_status
from pilotlight.api.warmpool import WarmPool, WarmPoolStatus
from pilotlight.clock import Clock
from pilotlight.errors import ClusterError, Conflict, NotInCluster, PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import WARM_POOL
from pilotlight_autoscaler.controller.known import STORED_EVERY_S, Known, Memory, observed
from pilotlight_autoscaler.controller.learner import Learner
from pilotlight_autoscaler.controller.roster import Roster
from pilotlight_autoscaler.controller.shares import Shares
from pilotlight_autoscaler.decision import Decision
from pilotlight_autoscaler.kserve.act import Target
from pilotlight_autoscaler.kserve.pools import keep_until_released, release
from pilotlight_autoscaler.metrics.trace import Trace
from pilotlight_autoscaler.observation import PREDICTOR, Observation
from pilotlight_autoscaler.policy.budget.group import group, member
from pilotlight_autoscaler.policy.decide import LOOK_S, decide

logger = logging.getLogger(__name__)

SETTLED_EVERY_S = 60.0
"""What is claimed is compared with the levers so often, though nothing was claimed anew."""
SOON_S = 1.0


class Surroundings(Protocol):
    """Sees what is around the pools of a namespace, and remembers it."""

    def look(self, namespace: str, pools: Sequence[WarmPool]) -> Mapping[str, Observation]:
        """By name of the pool, what it sees."""
        ...

    def trace(self, pool: WarmPool) -> Trace:
        """What is remembered of a pool's service."""
        ...

    def save(self, pools: Sequence[WarmPool]) -> None:
        """Keep it for the next process."""
        ...

    def forget(self, namespace: str, name: str) -> None:
        """A pool that is gone."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a look came to for one pool.

    Args:
        known: The pool as it is now.
        before: Its status until now.
        decision: What was decided.
        fault: Why it was not stored, if so: the next look decides anew.
    """

    known: Known
    before: WarmPoolStatus
    decision: Decision
    fault: PilotlightError | None = None


@dataclass(frozen=True)
class Looked:
    """What a look came to.

    Args:
        outcomes: Of each pool.
        gone: Names of pools that are not there any more.
        faults: Pools that cannot be understood, with the reason.
        next_look_s: Until the next look is due.
        fault: Why the levers could not be set as claimed.
    """

    outcomes: tuple[Outcome, ...] = ()
    gone: tuple[str, ...] = ()
    faults: Mapping[str, tuple[Document, str]] = field(default_factory=dict)
    next_look_s: float = LOOK_S
    fault: PilotlightError | None = None


class Looks:
    """Looks at one namespace; blocking, never two at a time.

    Args:
        namespace: Which one.
        cluster: Written to only while this process leads.
        surroundings: Of this namespace alone.
        target: The levers.
        shares: Of all namespaces.
        roster: Who shares a budget with whom.
        clock: Time of the decisions.
    """

    def __init__(
        self,
        namespace: str,
        cluster: Cluster,
        surroundings: Surroundings,
        target: Target,
        shares: Shares,
        roster: Roster,
        clock: Clock,
    ) -> None:
        self._namespace = namespace
        self._cluster = cluster
        self._around = surroundings
        self._target = target
        self._shares = shares
        self._roster = roster
        self._clock = clock
        self._memory = Memory()
        self._learner = Learner(surroundings.trace)
        self._settled_at = float("-inf")
        self._is_settled = False

    def look(self) -> Looked:
        """Look once.

        Raises:
            ClusterError: The API server cannot be asked: nothing was decided.
        """
        before = {pool.metadata.name for pool in self._memory.pools}
        documents = self._cluster.list(WARM_POOL, self._namespace)
        stuck = [self._let_go(document) for document in documents if _is_going(document)]
        staying = [document for document in documents if not _is_going(document)]
        pools = self._memory.take(staying)
        gone = sorted(before - {document["metadata"]["name"] for document in staying})
        for name in gone:
            self._forget(name)
        seen = self._observed(pools)
        decided = self._decided(pools, seen)
        outcomes = tuple(self._store(known, decision) for known, decision in decided)
        fault = self._settle(outcomes, anew=bool(gone))
        self._learner.learn(pools, seen, self._now())
        again = fault is not None or any(stuck) or any(outcome.fault for outcome in outcomes)
        pauses = [SOON_S] if again else [outcome.decision.next_look_s for outcome in outcomes]
        return Looked(
            outcomes, tuple(gone), self._memory.faults, min(pauses, default=LOOK_S), fault
        )

    @property
    def is_empty(self) -> bool:
        """There was no pool at the last look."""
        return not self._memory.pools and not self._memory.faults

    def save(self) -> None:
        """Keep what was seen, before the process ends."""
        self._around.save(self._memory.pools)

    def _let_go(self, document: Document) -> bool:
        """Of a pool that is being deleted; whether something is left to do."""
        name = document["metadata"]["name"]
        try:
            release(self._cluster, self._target, document)
        except ClusterError as error:
            logger.warning("%s/%s is not released yet: %s", self._namespace, name, error)
            return True
        self._forget(name)
        return False

    def _forget(self, name: str) -> None:
        self._around.forget(self._namespace, name)
        self._learner.forget(name)
        self._shares.drop(self._who(name))

    def _observed(self, pools: Sequence[Known]) -> Mapping[str, Observation]:
        if not pools:
            return {}
        seen = self._around.look(self._namespace, [known.pool for known in pools])
        return {
            known.name: replace(seen[known.name], forecast=self._learner.of(known))
            for known in pools
        }

    def _decided(
        self, pools: Sequence[Known], seen: Mapping[str, Observation]
    ) -> list[tuple[Known, Decision]]:
        """Of every pool, with what its budget grants it."""
        now = self._now()
        rosters = self._roster.of([known.pool for known in pools])
        with self._shares.deciding():
            groups = {known.name: self._joined(known, seen[known.name], now) for known in pools}
            grants: dict[str, int] = {}
            for name in {one for one in groups.values() if one}:
                grants |= self._shares.grants(name, rosters.get(name, ()))
            found = []
            for known in pools:
                granted = grants.get(self._who(known.name))
                observation = replace(seen[known.name], granted=granted)
                decision = decide(known.pool.spec, known.status, observation, now)
                found.append((known, decision))
                self._holds(groups[known.name], known, decision, observation)
        return found

    def _joined(self, known: Known, seen: Observation, now: datetime) -> str:
        """The pool's group, which knows of it from now on; empty: it has no budget."""
        spec = known.pool.spec
        found = member(self._who(known.name), spec, known.status, seen, now)
        if found is None or spec.budget is None:
            self._shares.drop(self._who(known.name))
            return ""
        name = group(self._namespace, spec.budget)
        # Until the levers are known to be as claimed, what they are counts as well.
        levers = 0 if self._is_settled else _levers(seen)
        held = replace(found.held, replicas=max(found.held.replicas, levers))
        self._shares.put(name, replace(found, held=held))
        return name

    def _holds(self, name: str, known: Known, decision: Decision, seen: Observation) -> None:
        if name:
            after = member(
                self._who(known.name), known.pool.spec, decision.status, seen, self._now()
            )
            if after is not None:
                self._shares.holds(name, self._who(known.name), after.held.replicas)

    def _store(self, known: Known, decision: Decision) -> Outcome:
        before, status = known.status, observed(known, decision.status)
        moment = self._clock.monotonic()
        is_new = status.observed_generation != before.observed_generation
        due = decision.urgent or is_new or moment - known.stored_at >= STORED_EVERY_S
        try:
            if due:
                document = known.document
                if status.floors:
                    document = keep_until_released(self._cluster, document)
                document = write_status(self._cluster, WARM_POOL, document, status)
                known = replace(known, document=document, stored_at=moment)
        except (Conflict, NotInCluster) as error:
            return Outcome(known, before, decision, error)
        except ClusterError as error:
            logger.warning("%s/%s: not stored: %s", self._namespace, known.name, error)
            return Outcome(known, before, decision, error)
        known = known.with_status(status)
        self._memory.put(known)
        return Outcome(known, before, decision)

    def _settle(self, outcomes: Sequence[Outcome], *, anew: bool) -> PilotlightError | None:
        moved = anew or any(one.known.status.floors != one.before.floors for one in outcomes)
        moment = self._clock.monotonic()
        is_fresh = moment - self._settled_at < SETTLED_EVERY_S
        if not moved and self._is_settled and is_fresh:
            return None
        try:
            self._target.settle(self._namespace)
        except ClusterError as error:
            self._is_settled = False
            return error
        self._settled_at, self._is_settled = moment, True
        return None

    def _who(self, name: str) -> str:
        return f"{self._namespace}/{name}"

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)


def _levers(seen: Observation) -> int:
    """Replicas that the predictor's minimums hold now."""
    revisions = seen.service.revisions if seen.service else ()
    return sum(one.floor for one in revisions if one.component == PREDICTOR)


def _is_going(document: Document) -> bool:
    return bool(document["metadata"].get("deletionTimestamp"))
