"""Which buckets count: Redis' while it answers, else what the policy says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeVar

from pilotlight.clock import Clock
from pilotlight.errors import Unavailable
from pilotlight_transformer.limits.charge import Charge, Correction, Place, Verdict
from pilotlight_transformer.limits.local import LocalBuckets
from pilotlight_transformer.limits.shared import SharedBuckets
from pilotlight_transformer.stores.shared import SharedUnavailable

T = TypeVar("T")

RETRY_S = 1.0
"""How long Redis is left alone after it failed."""
ANSWER_S = 1.0
"""How long a request waits for Redis, a new connection included."""

OnFailure = Literal["local", "refuse"]


class Limiter:
    """Takes charges where they count.

    Args:
        local: Of this process.
        shared: Of all replicas; ``None`` without Redis.
        on_failure: ``local``: this process limits on its own meanwhile; ``refuse``: nobody passes.
        failed: Called for each call of Redis that failed.
    """

    def __init__(
        self,
        local: LocalBuckets,
        shared: SharedBuckets | None,
        on_failure: OnFailure,
        clock: Clock,
        failed: Callable[[], object] = lambda: None,
    ) -> None:
        self._local = local
        self._shared = shared
        self._on_failure = on_failure
        self._clock = clock
        self._failed = failed
        self._again_at: float | None = None

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Take every charge, or none.

        Raises:
            Unavailable: Redis does not answer, and the policy is to refuse.
        """
        if self._shared is not None:
            verdict = await self._try(lambda shared: shared.take(charges))
            if verdict is not None:
                return verdict
            if self._on_failure == "refuse":
                raise Unavailable(
                    "the rate limits cannot be checked, because their store does not answer, and "
                    "nothing passes unchecked here: try again",
                    retry_after_s=RETRY_S,
                )
        return self._local.take(charges, self._clock.monotonic())

    async def settle(self, corrections: Sequence[Correction], place: Place) -> bool:
        """Correct what was taken at ``place``.

        Returns:
            Whether it was done. If Redis does not answer, what was taken stays taken.
        """
        if place == "local":
            self._local.settle(corrections, self._clock.monotonic())
            return True

        async def work(shared: SharedBuckets) -> bool:
            await shared.settle(corrections)
            return True

        return await self._try(work) is not None

    async def _try(self, work: Callable[[SharedBuckets], Awaitable[T]]) -> T | None:
        now = self._clock.monotonic()
        if self._shared is None or (self._again_at is not None and now < self._again_at):
            return None
        if self._again_at is not None:
            # One request finds out; those that come meanwhile do not wait with it.
            self._again_at = now + RETRY_S
        try:
            async with asyncio.timeout(ANSWER_S):
                result = await work(self._shared)
        except (SharedUnavailable, TimeoutError):
            self._again_at = self._clock.monotonic() + RETRY_S
            self._failed()
            return None
        self._again_at = None
        return result
