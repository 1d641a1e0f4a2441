"""Work that blocks, one piece after the other, for a loop that must not wait for ever."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 30.0
SETTLE_S = 0.2
"""Changes come in swarms."""


@dataclass
class Turns:
    """Looks of one loop, in threads.

    Args:
        name: Whose, for the log.
        pool: Threads for what blocks.
        timeout_s: What takes longer is reported.
    """

    name: str
    pool: Executor
    timeout_s: float
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def alone(self, work: Callable[[], T]) -> T:
        """Run what acts: never two at once, not even when the first is not waited for any more."""

        async def in_turn() -> T:
            async with self._turn:
                return await self.in_thread(work)

        return await asyncio.shield(asyncio.create_task(in_turn()))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run what blocks."""
        future = asyncio.get_running_loop().run_in_executor(self.pool, work)
        while True:
            done, _ = await asyncio.wait({future}, timeout=self.timeout_s)
            if done:
                return future.result()
            logger.error("%s: a look takes over %g s", self.name, self.timeout_s)


@dataclass
class Backoff:
    """Longer and longer pauses while something fails."""

    pause_s: float = 0.0

    def longer(self) -> float:
        """Seconds to wait after one more failure."""
        self.pause_s = min(max(FIRST_BACKOFF_S, self.pause_s * 2), LONGEST_BACKOFF_S)
        return self.pause_s

    def reset(self) -> None:
        """It works again."""
        self.pause_s = 0.0


async def rung(bell: asyncio.Event, longest_s: float) -> None:
    """Wait for a bell, and for the swarm that comes with it; no longer than ``longest_s``."""
    try:
        async with asyncio.timeout(max(0.0, longest_s)):
            await bell.wait()
            await asyncio.sleep(SETTLE_S)
    except TimeoutError:
        pass
