"""Everything that the warm pools of a namespace see, in one look for all of them."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import inf
from zlib import crc32

from pilotlight.api.warmpool import WarmPool
from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import ClusterError, MetricsUnavailable
from pilotlight_autoscaler.kserve.observe import Observer, Seen
from pilotlight_autoscaler.metrics.figures import Figures
from pilotlight_autoscaler.metrics.gaps import gaps_of
from pilotlight_autoscaler.metrics.history import STEP_S, of_demand
from pilotlight_autoscaler.metrics.sources import Sources
from pilotlight_autoscaler.metrics.store import TraceStore
from pilotlight_autoscaler.metrics.subject import Subject
from pilotlight_autoscaler.metrics.trace import Trace
from pilotlight_autoscaler.observation import Observation

PAST_S = 14 * 86400
FORGOTTEN_S = 3600.0
"""A history that ends so long ago is not worth going on with, if Prometheus has a better one."""
AT_ONCE = 1
"""Pasts that are asked for in one look: a restart must not ask for all of them at once."""
AGAIN_S = 600.0
SAVED_EVERY_S = 600
logger = logging.getLogger(__name__)
Key = tuple[str, str, str]
"""Namespace, pool and service: a pool that turns to another service begins anew."""


@dataclass
class _Followed:
    trace: Trace
    address: str
    asks_at: float
    """When Prometheus is to be asked for the past; infinity: it need not be."""
    cold_start_s: float | None = None
    saved_at: float = 0.0


class Surroundings:
    """Looks, and remembers what it saw.

    Args:
        observer: Of the cluster.
        sources: Of figures.
        store: Of what is to outlive this process.
        clock: Times the looks.
    """

    def __init__(
        self,
        observer: Observer,
        sources: Sources,
        store: TraceStore,
        clock: Clock | None = None,
    ) -> None:
        self._observer = observer
        self._sources = sources
        self._store = store
        self._clock = clock or SystemClock()
        self._followed: dict[Key, _Followed] = {}

    def look(self, namespace: str, pools: Collection[WarmPool]) -> Mapping[str, Observation]:
        """By name of the pool, what it sees; forecast and grant are for others to add.

        Raises:
            ClusterError: The API server cannot be asked.
        """
        names = {pool.spec.target_ref.name for pool in pools}
        seen = self._observer.look(namespace, names)
        figures = self._figures(pools, seen)
        found: dict[str, Observation] = {}
        asked = 0
        for pool in pools:
            service = seen.get(pool.spec.target_ref.name)
            if service is None:
                found[pool.metadata.name] = Observation(None)
                continue
            followed = self._follow(pool)
            if followed.asks_at <= self._clock.time() and asked < AT_ONCE:
                asked += 1
                self._recall(followed, service.subject)
            now = figures[pool.metadata.name]
            followed.trace.take(now)
            found[pool.metadata.name] = self._observation(service, now, followed)
            self._save(pool, followed)
        return found

    def trace(self, pool: WarmPool) -> Trace:
        """What is remembered of a pool's service."""
        return self._follow(pool).trace

    def save(self, pools: Collection[WarmPool]) -> None:
        """Keep what is remembered of all of them: before the process ends."""
        for pool in pools:
            self._save(pool, self._follow(pool), now=True)

    def forget(self, namespace: str, name: str) -> None:
        """A pool that is gone."""
        for key in [key for key in self._followed if key[:2] == (namespace, name)]:
            del self._followed[key]

    def _figures(
        self, pools: Collection[WarmPool], seen: Mapping[str, Seen]
    ) -> Mapping[str, Figures]:
        by_address: dict[str, list[WarmPool]] = {}
        for pool in pools:
            if pool.spec.target_ref.name in seen:
                by_address.setdefault(self._sources.address(pool), []).append(pool)
        found: dict[str, Figures] = {}
        for address, own in by_address.items():
            targets = {pool.spec.target_ref.name for pool in own}
            told = self._sources.at(address).read([seen[name].subject for name in sorted(targets)])
            found |= {pool.metadata.name: told[pool.spec.target_ref.name] for pool in own}
        return found

    def _follow(self, pool: WarmPool) -> _Followed:
        key = (pool.metadata.namespace, pool.metadata.name, pool.spec.target_ref.name)
        if key not in self._followed:
            self.forget(*key[:2])
            trace, address = self._store.load(pool), self._sources.address(pool)
            now = self._clock.time()
            end_s = (trace.history.first + trace.history.length) * STEP_S
            is_fresh = now - end_s < FORGOTTEN_S
            # Not all of them at the same time.
            early = crc32(str(key).encode()) % SAVED_EVERY_S
            self._followed[key] = _Followed(
                trace,
                address,
                asks_at=inf if is_fresh or not address else now,
                saved_at=now - early,
            )
        return self._followed[key]

    def _recall(self, followed: _Followed, subject: Subject) -> None:
        """Begin with what Prometheus remembers; without it, with what was kept."""
        past, now = self._sources.past(followed.address), self._clock.time()
        followed.asks_at = inf
        if past is None:
            return
        try:
            demand = past.demand(subject, now - PAST_S, now)
            followed.cold_start_s = past.cold_start_s(subject, now, PAST_S)
        except MetricsUnavailable as error:
            logger.warning("%s/%s: its past: %s", subject.namespace, subject.service, error)
            followed.asks_at = now + AGAIN_S
            return
        if demand.known.any():
            progress = followed.trace.progress
            gaps = gaps_of(demand) or progress.gaps_s
            followed.trace = Trace(of_demand(demand), replace(progress, gaps_s=gaps))

    def _observation(self, seen: Seen, figures: Figures, followed: _Followed) -> Observation:
        trace = followed.trace
        recent, age_s = trace.recent(self._clock.time())
        return Observation(
            service=seen.service,
            recent=recent,
            recent_age_s=age_s,
            signals=figures.signals,
            cold_start_s=trace.cold_start_s or followed.cold_start_s,
            gpus_per_replica=seen.gpus_per_replica,
            rollout=seen.rollout,
            counted=trace.counted,
        )

    def _save(self, pool: WarmPool, followed: _Followed, *, now: bool = False) -> None:
        moment = self._clock.time()
        if not now and 0 <= moment - followed.saved_at < SAVED_EVERY_S:
            return
        try:
            self._store.save(pool, followed.trace)
            followed.saved_at = moment
        except ClusterError as error:
            logger.warning("the history of %s was not kept: %s", pool.metadata.name, error)
