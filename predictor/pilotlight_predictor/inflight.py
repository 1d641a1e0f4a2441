"""The requests that are being answered: what a drain waits for."""

import asyncio

from pilotlight.errors import Unavailable
from pilotlight_predictor.request import RequestContext

RETRY_AFTER_S = 1.0


class InFlight:
    """Counts requests from acceptance to the last byte, and says when new ones are refused.

    While ``draining``, each answer asks its client to open a new connection elsewhere.
    """

    def __init__(self) -> None:
        self._running: dict[int, tuple[RequestContext, asyncio.Task[object] | None]] = {}
        self._refusal: str | None = "the model is loading"
        self.draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._running)

    def open(self) -> None:
        """Accept requests from now on."""
        self._refusal = None

    def close(self, why: str) -> None:
        """Refuse new requests from now on; those that run go on."""
        self._refusal = why

    def enter(self, context: RequestContext) -> None:
        """Count a request in.

        Raises:
            Unavailable: New requests are refused; the message says why.
        """
        if self._refusal is not None:
            raise Unavailable(f"{self._refusal}: try again later", retry_after_s=RETRY_AFTER_S)
        self._running[id(context)] = (context, asyncio.current_task())
        self._idle.clear()

    def leave(self, context: RequestContext) -> None:
        """Count a request out and give back what it still holds. Idempotent."""
        context.end()
        self._running.pop(id(context), None)
        if not self._running:
            self._idle.set()

    async def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing runs; tell whether that came within ``timeout_s`` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def cut(self) -> int:
        """Cancel all that still runs; return how many there were."""
        cut = list(self._running.values())
        for _, task in cut:
            if task is not None:
                task.cancel()
        return len(cut)
