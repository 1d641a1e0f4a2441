"""Stopping without losing a request."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pilotlight_transformer.forward.pools import Pools
from pilotlight_transformer.inflight import InFlight
from pilotlight_transformer.own_routes import OwnRoutes, Phase

logger = logging.getLogger(__name__)

CUT_S = 1.0
"""Seconds that calls which are cut get to send their last bytes."""


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """How long each part of a drain may take, in seconds.

    Attributes:
        delay_s: New requests are still accepted: endpoints need time to forget this server.
        grace_s: From SIGTERM on, the time in which running requests may end.
    """

    delay_s: float
    grace_s: float


class Door(Protocol):
    """Where calls come in."""

    def stop_accepting(self) -> None:
        """Take no new ones; those that run go on."""
        ...


class Drain:
    """Carries out a plan, unless somebody is in a hurry."""

    def __init__(
        self,
        own: OwnRoutes,
        doors: Sequence[Door],
        inflight: InFlight,
        pools: Pools,
    ) -> None:
        self._own = own
        self._doors = doors
        self._inflight = inflight
        self._pools = pools
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Wait no longer: cut what still runs."""
        self._hurried.set()

    async def run(self, plan: DrainPlan) -> int:
        """Let running requests end.

        Returns:
            How many were cut, because the grace period ended or somebody was in a hurry.
        """
        self._own.phase = Phase.DRAINING
        delay_s = min(plan.delay_s, plan.grace_s)
        logger.info(
            "draining: %d running, new ones accepted for %.1f s", len(self._inflight), delay_s
        )
        await self._wait(delay_s)
        for door in self._doors:
            door.stop_accepting()
        idle = asyncio.ensure_future(self._inflight.wait_idle(plan.grace_s - delay_s))
        hurry = asyncio.ensure_future(self._hurried.wait())
        await asyncio.wait({idle, hurry}, return_when=asyncio.FIRST_COMPLETED)
        for task in (idle, hurry):
            task.cancel()
        return await self._cut()

    async def _cut(self) -> int:
        running = len(self._inflight)
        if running:
            # Streams end with an error event when their predictor's side breaks off.
            self._pools.cut()
            if not await self._inflight.wait_idle(CUT_S):
                self._inflight.cancel()
                await self._inflight.wait_idle(CUT_S)
        return running

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
