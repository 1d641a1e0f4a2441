"""The loop of one rollout: a look in each interval, or earlier when something happened."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from pilotlight.clock import Clock
from pilotlight.errors import Conflict, NotInCluster, NotReached, PilotlightError
from pilotlight_canary.controller.doorbell import Doorbell, Key
from pilotlight_canary.controller.jobs import Assignment, Jobs
from pilotlight_canary.controller.look import Looks, Outcome
from pilotlight_canary.controller.publisher import Publisher

logger = logging.getLogger(__name__)
T = TypeVar("T")

LEAST_PAUSE_S = 0.5
GONE_PAUSE_S = 60.0
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 30.0
SETTLE_S = 0.2
"""Changes come in swarms."""


@dataclass
class Rounds:
    """Looks after one rollout.

    Args:
        key: Which one.
        bell: Rings when something changed.
        looks: One look each.
        jobs: Tasks beside it.
        publisher: Tells people.
        pool: Threads for what blocks.
        clock: Monotonic.
        look_timeout_s: A look that takes longer is reported.
    """

    key: Key
    bell: Doorbell
    looks: Looks
    jobs: Jobs
    publisher: Publisher
    pool: Executor
    clock: Clock
    look_timeout_s: float
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _backoff_s: float = 0.0

    async def run(self) -> None:
        """Go round until cancelled; a look that is under way then ends by itself."""
        try:
            while True:
                self.bell.rung.clear()
                pause_s = await self._round()
                await asyncio.sleep(LEAST_PAUSE_S)
                await self._wait(pause_s - LEAST_PAUSE_S)
        finally:
            self.jobs.stop()

    async def release(self) -> None:
        """Before the rollout goes away: undo what it holds; tried until it succeeds."""
        self.jobs.stop()
        backoff_s = FIRST_BACKOFF_S
        while True:
            try:
                if await self._alone(lambda: self.looks.release(self.key)):
                    return
                backoff_s = FIRST_BACKOFF_S
            except PilotlightError as error:
                logger.warning("%s/%s is not released yet: %s", *self.key, error)
                backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
            await asyncio.sleep(backoff_s)

    async def _wait(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, pause_s)):
                await self.bell.rung.wait()
                await asyncio.sleep(SETTLE_S)
        except TimeoutError:
            pass

    async def _round(self) -> float:
        """Look once; seconds until the next look."""
        began = self.clock.monotonic()
        try:
            results = self.jobs.results()
            outcome = await self._alone(lambda: self.looks.look(self.key, results))
        except Conflict as error:
            # Not ours alone to write: a person, the API server's own, or another controller.
            logger.info("%s/%s changed meanwhile, looking again: %s", *self.key, error)
            self.publisher.looked(self.key, "conflict")
            return LEAST_PAUSE_S
        except PilotlightError as error:
            return await self._failed(error)
        except Exception:
            logger.exception("%s/%s: the look broke", *self.key)
            self.publisher.looked(self.key, "failed")
            return self._back_off()
        self.publisher.took(self.clock.monotonic() - began)
        return GONE_PAUSE_S if outcome is None else await self._carry_on(outcome)

    async def _carry_on(self, outcome: Outcome) -> float:
        self.bell.target = (self.key[0], outcome.rollout.spec.target_ref.name)
        await self._in_thread(lambda: self.publisher.publish(outcome))
        self.publisher.notify(outcome)
        if not outcome.is_dry:
            self.jobs.ensure(outcome.decision.desired.tasks, _assignment(outcome))
        if isinstance(outcome.fault, Conflict | NotInCluster):
            logger.info("%s/%s: looking again: %s", *self.key, outcome.fault)
            self.publisher.looked(self.key, "conflict")
            return self._back_off()
        if outcome.fault is not None:
            return await self._failed(outcome.fault)
        self.publisher.looked(self.key, "decided")
        self._backoff_s = 0.0
        if outcome.begins_step:
            return LEAST_PAUSE_S
        longest_s = self.looks.figures.longest_pause_s(outcome.rollout)
        return min(max(outcome.decision.next_look_s, LEAST_PAUSE_S), longest_s)

    async def _failed(self, error: PilotlightError) -> float:
        logger.warning("%s/%s: %s", *self.key, error)
        self.publisher.looked(self.key, "failed")
        if not isinstance(error, NotReached):
            await self._in_thread(lambda: self.publisher.complain(self.key, error))
        return self._back_off()

    def _back_off(self) -> float:
        self._backoff_s = min(max(FIRST_BACKOFF_S, self._backoff_s * 2), LONGEST_BACKOFF_S)
        return self._backoff_s

    async def _alone(self, work: Callable[[], T]) -> T:
        """Run what acts: never two at once, not even when the first is not waited for any more."""

        async def in_turn() -> T:
            async with self._turn:
                return await self._in_thread(work)

        return await asyncio.shield(asyncio.create_task(in_turn()))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self.pool, work)
        while True:
            done, _ = await asyncio.wait({future}, timeout=self.look_timeout_s)
            if done:
                return future.result()
            logger.error("%s/%s: a look takes over %g s", *self.key, self.look_timeout_s)


def _assignment(outcome: Outcome) -> Assignment:
    service, canary = outcome.seen.service, outcome.rollout.status.canary_revision
    revision = service.revisions.get(canary) if service else None
    return Assignment(outcome.rollout, max(1, revision.pods.ready if revision else 1))
