"""Stopping without losing a request."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from pilotlight_predictor.inflight import InFlight

logger = logging.getLogger(__name__)

CUT_S = 1.0
"""Seconds that cancelled requests get to send their last bytes."""


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """How long each part of a drain may take, in seconds.

    Args:
        delay_s: New requests are still accepted: endpoints need time to forget this server.
        grace_s: From SIGTERM on, the time in which running requests may end.
    """

    delay_s: float
    grace_s: float


@dataclass(frozen=True, slots=True)
class DrainResult:
    """How many requests were cut, and why."""

    cut: int = 0
    reason: str = ""


class Drain:
    """Carries out a plan, unless somebody is in a hurry."""

    def __init__(self, inflight: InFlight) -> None:
        self._inflight = inflight
        self._hurried = asyncio.Event()
        self._why = ""

    def hurry(self, why: str) -> None:
        """Wait no longer: cut what still runs."""
        if not self._hurried.is_set():
            self._why = why
            self._hurried.set()

    async def run(self, plan: DrainPlan) -> DrainResult:
        """Let running requests end.

        Returns:
            How many were cut, because the grace period ended or somebody was in a hurry.
        """
        self._inflight.draining = True
        delay_s = min(plan.delay_s, plan.grace_s)
        running = len(self._inflight)
        logger.info("draining: %d running, new ones accepted for %.1f s", running, delay_s)
        await self._hurried_within(delay_s)
        self._inflight.close("the server is stopping")
        hurry = asyncio.create_task(self._hurried.wait())
        idle = asyncio.create_task(self._inflight.wait_idle(plan.grace_s - delay_s))
        await asyncio.wait({hurry, idle}, return_when=asyncio.FIRST_COMPLETED)
        for task in (hurry, idle):
            task.cancel()
        cut = self._inflight.cut()
        if cut:
            await self._inflight.wait_idle(CUT_S)
            return DrainResult(cut, self._why or f"the grace period of {plan.grace_s:g} s ended")
        return DrainResult()

    async def _hurried_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
