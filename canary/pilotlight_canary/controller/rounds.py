"""The loop of one rollout: a look in each interval, or earlier when something happened."""

import asyncio
import logging
from dataclasses import dataclass, field

from pilotlight.clock import Clock
from pilotlight.controller.turns import Backoff, Turns, rung
from pilotlight.errors import Conflict, NotInCluster, NotReached, PilotlightError
from pilotlight_canary.controller.doorbell import Doorbell, Key
from pilotlight_canary.controller.jobs import Assignment, Jobs
from pilotlight_canary.controller.look import Looks, Outcome
from pilotlight_canary.controller.publisher import Publisher

logger = logging.getLogger(__name__)

LEAST_PAUSE_S = 0.5
GONE_PAUSE_S = 60.0


@dataclass
class Rounds:
    """Looks after one rollout.

    Args:
        key: Which one.
        bell: Rings when something changed.
        looks: One look each.
        jobs: Tasks beside it.
        publisher: Tells people.
        turns: In which what blocks is done.
        clock: Monotonic.
    """

    key: Key
    bell: Doorbell
    looks: Looks
    jobs: Jobs
    publisher: Publisher
    turns: Turns
    clock: Clock
    _backoff: Backoff = field(default_factory=Backoff)

    async def run(self) -> None:
        """Go round until cancelled; a look that is under way then ends by itself."""
        try:
            while True:
                self.bell.rung.clear()
                pause_s = await self._round()
                await asyncio.sleep(LEAST_PAUSE_S)
                await rung(self.bell.rung, pause_s - LEAST_PAUSE_S)
        finally:
            self.jobs.stop()

    async def release(self) -> None:
        """Before the rollout goes away: undo what it holds; tried until it succeeds."""
        self.jobs.stop()
        backoff = Backoff()
        while True:
            try:
                if await self.turns.alone(lambda: self.looks.release(self.key)):
                    return
                backoff.reset()
            except PilotlightError as error:
                logger.warning("%s/%s is not released yet: %s", *self.key, error)
            await asyncio.sleep(backoff.longer())

    async def _round(self) -> float:
        """Look once; seconds until the next look."""
        began = self.clock.monotonic()
        try:
            results = self.jobs.results()
            outcome = await self.turns.alone(lambda: self.looks.look(self.key, results))
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
            return self._backoff.longer()
        self.publisher.took(self.clock.monotonic() - began)
        return GONE_PAUSE_S if outcome is None else await self._carry_on(outcome)

    async def _carry_on(self, outcome: Outcome) -> float:
        self.bell.target = (self.key[0], outcome.rollout.spec.target_ref.name)
        await self.turns.in_thread(lambda: self.publisher.publish(outcome))
        self.publisher.notify(outcome)
        if not outcome.is_dry:
            self.jobs.ensure(outcome.decision.desired.tasks, _assignment(outcome))
        if isinstance(outcome.fault, Conflict | NotInCluster):
            logger.info("%s/%s: looking again: %s", *self.key, outcome.fault)
            self.publisher.looked(self.key, "conflict")
            return self._backoff.longer()
        if outcome.fault is not None:
            return await self._failed(outcome.fault)
        self.publisher.looked(self.key, "decided")
        self._backoff.reset()
        if outcome.begins_step:
            return LEAST_PAUSE_S
        longest_s = self.looks.figures.longest_pause_s(outcome.rollout)
        return min(max(outcome.decision.next_look_s, LEAST_PAUSE_S), longest_s)

    async def _failed(self, error: PilotlightError) -> float:
        logger.warning("%s/%s: %s", *self.key, error)
        self.publisher.looked(self.key, "failed")
        if not isinstance(error, NotReached):
            await self.turns.in_thread(lambda: self.publisher.complain(self.key, error))
        return self._backoff.longer()


def _assignment(outcome: Outcome) -> Assignment:
    service, canary = outcome.seen.service, outcome.rollout.status.canary_revision
    revision = service.revisions.get(canary) if service else None
    return Assignment(outcome.rollout, max(1, revision.pods.ready if revision else 1))
