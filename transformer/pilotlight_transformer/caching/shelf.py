"""Where answers are kept: in the process and, if there is one, in a Redis for all replicas."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from prometheus_client import Counter

from pilotlight.clock import Clock
from pilotlight_transformer.caching.entry import Entry, Origin
from pilotlight_transformer.caching.memory import Memory
from pilotlight_transformer.caching.revisions import Revisions
from pilotlight_transformer.caching.settings import CacheSettings
from pilotlight_transformer.stores.shared import Shared, SharedUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

REST_S = 5.0
"""After a failure, Redis is left alone for so long."""
_TELLS_PER_MEMORY = 10


class Shelf:
    """Kept answers, and what is known about the revisions that made them.

    Redis is never needed: while it does not answer, each replica goes by its own memory.

    Args:
        service: Name of the InferenceService: others may use the same Redis.
    """

    def __init__(
        self, settings: CacheSettings, clock: Clock, shared: Shared | None, service: str
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._shared = shared
        self._prefix = f"pilotlight:cache:{service}:{settings.namespace}"
        self._rests_until = float("-inf")
        self._told: dict[tuple[Origin, str], float] = {}
        self.memory = Memory(settings.max_bytes, settings.ttl_s)
        self.revisions = Revisions(settings.revision_memory_s)
        self.failures = Counter(
            "pilotlight_transformer_cache_shared_failures",
            "Times that Redis did not answer the cache.",
            registry=None,
        )

    async def get(self, key: str) -> Entry | None:
        """The answer of ``key``, if its revision is known to be the only one that answers."""
        entry = self.memory.get(key, self._clock.monotonic())
        if entry is None:
            entry = await self._fetch(key)
        if entry is None:
            return None
        await self._learn(entry.origin)
        now = self._clock.time()
        if not self.revisions.may_answer(entry.origin, entry.revision, now):
            return None
        return entry

    def put(self, entry: Entry) -> None:
        """Keep an answer in the process."""
        self.memory.put(entry, self._clock.monotonic())

    async def publish(self, entry: Entry) -> None:
        """Give an answer to the other replicas."""
        data, ttl_ms = entry.encode(), max(1, round(self._settings.ttl_s * 1_000))
        await self._ask(lambda shared: shared.client.set(self._name(entry.key), data, px=ttl_ms))

    def see(self, origin: Origin, revision: str) -> bool:
        """An answer of ``revision`` came. Returns whether the other replicas are to be told."""
        now = self._clock.time()
        self.revisions.see(origin, revision, now)
        if self._shared is None:
            return False
        told = self._told.get((origin, revision))
        every_s = self._settings.revision_memory_s / _TELLS_PER_MEMORY
        return told is None or now - told >= every_s

    async def tell(self, origin: Origin, revision: str) -> None:
        """Let the other replicas know that ``revision`` answers."""
        now, name = self._clock.time(), self._seen_name(origin)
        self._told = {pair: at for pair, at in self._told.items() if now - at < self._keep_s}
        self._told[origin, revision] = now

        async def written(shared: Shared) -> bool:
            pipeline = shared.client.pipeline(transaction=False)
            pipeline.zadd(name, {revision: now}, gt=True)
            pipeline.pexpire(name, max(1, round(self._keep_s * 1_000)))
            await pipeline.execute()
            return True

        if not await self._ask(written):
            self._told.pop((origin, revision), None)

    @property
    def _keep_s(self) -> float:
        return self._settings.revision_memory_s

    async def _fetch(self, key: str) -> Entry | None:
        async def read(shared: Shared) -> list[object]:
            pipeline = shared.client.pipeline(transaction=False)
            pipeline.get(self._name(key))
            pipeline.pttl(self._name(key))
            found: list[object] = await pipeline.execute()
            return found

        found = await self._ask(read)
        entry = Entry.decode(found[0], key) if found and len(found) == 2 else None
        if entry is None or len(entry.body) > self._settings.max_answer_bytes:
            return None
        left_ms = found[1] if found else 0
        if isinstance(left_ms, int) and left_ms > 0:
            self.memory.put(entry, self._clock.monotonic(), left_ms / 1_000)
        return entry

    async def _learn(self, origin: Origin) -> None:
        """What other replicas have seen of this origin."""
        since, name = self._clock.time() - self._settings.revision_memory_s, self._seen_name(origin)

        async def read(shared: Shared) -> list[tuple[bytes, float]]:
            found: Any = await shared.client.zrangebyscore(name, since, "+inf", withscores=True)
            return [(bytes(revision), float(at)) for revision, at in found]

        for revision, at in await self._ask(read) or ():
            self.revisions.see(origin, revision.decode(errors="replace"), at)

    async def _ask(self, command: Callable[[Shared], Awaitable[T]]) -> T | None:
        shared = self._shared
        if shared is None or self._clock.monotonic() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(self._settings.shared_timeout_s):
                return await shared.ask(command(shared))
        except (SharedUnavailable, TimeoutError, TypeError, ValueError) as error:
            # The last two: it said something else than what was asked for.
            self.failures.inc()
            self._rests_until = self._clock.monotonic() + REST_S
            logger.warning("the cache goes on without Redis for %g s: %s", REST_S, error)
            return None

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    def _seen_name(self, origin: Origin) -> str:
        digest = hashlib.sha256(f"{origin.upstream}\0{origin.model}".encode()).hexdigest()
        return f"{self._prefix}:revisions:{digest}"
