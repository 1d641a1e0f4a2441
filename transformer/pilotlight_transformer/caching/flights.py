"""Answers on their way, by key: whom an equal request can join."""

import asyncio

from pilotlight_transformer.caching.live import REQUEST_FAULTS, SHARED_FAULTS, Live
from pilotlight_transformer.pipeline.answer import Answer


class Flights:
    """Equal requests at the same time: the first one asks, the others follow.

    When it fails by a fault that is not the request's, the first follower asks in its place. When
    that fails too, the others get the same failure, so that a predictor in trouble is not asked
    by all of them at once.

    Args:
        wait_s: How long a follower waits for an answer to begin, and then for each piece.
    """

    def __init__(self, window_bytes: int, wait_s: float) -> None:
        self._window_bytes = window_bytes
        self._wait_s = wait_s
        self._flights: dict[str, Live] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def lead(self, key: str | None) -> Live:
        """Begin an answer; without a key nobody can join it."""
        live = Live(self._window_bytes)
        if key is not None:
            self._flights[key] = live
        return live

    def land(self, key: str, live: Live) -> None:
        """Newcomers do not find this answer any more; they find what is kept."""
        if self._flights.get(key) is live:
            del self._flights[key]

    async def join(self, key: str) -> Answer | Live | None:
        """The answer that is on its way for ``key``.

        Returns:
            A live answer that the caller is to bring, as the leader; ``None`` if it can be neither
            leader nor follower, and asks for itself.
        """
        live = self._flights.get(key)
        if live is None:
            return self.lead(key)
        answer = await self._follow(live, REQUEST_FAULTS)
        if answer is not None or live.failure is None:
            return answer
        if live.successor is None:
            live.successor = self._flights.get(key)
            if live.successor is None:
                live.successor = self.lead(key)
                return live.successor
        return await self._follow(live.successor, SHARED_FAULTS)

    async def _follow(self, live: Live, shared_faults: frozenset[int]) -> Answer | None:
        live.attach()
        try:
            async with asyncio.timeout(self._wait_s):
                await live.begun.wait()
        except TimeoutError:
            return None
        else:
            if live.failure is not None and live.failure.status in shared_faults:
                return live.failure.answer()
            return live.answer(self._wait_s) if live.open else None
        finally:
            live.detach()
