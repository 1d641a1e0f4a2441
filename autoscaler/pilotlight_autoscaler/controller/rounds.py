"""The loop of one namespace: a look in each interval, or earlier when something happened."""

import asyncio
import logging
from dataclasses import dataclass, field

from pilotlight.clock import Clock
from pilotlight.controller.turns import Backoff, Turns, rung
from pilotlight.errors import Conflict, NotInCluster, PilotlightError
from pilotlight_autoscaler.controller.look import Looked, Looks
from pilotlight_autoscaler.controller.publisher import Publisher

logger = logging.getLogger(__name__)

LEAST_PAUSE_S = 0.5
SAVE_S = 5.0


@dataclass
class Rounds:
    """Looks after the warm pools of one namespace, until there are none.

    Args:
        namespace: Which one.
        bell: Rings when something changed.
        looks: One look each.
        publisher: Tells people.
        turns: In which what blocks is done.
        clock: Monotonic.
    """

    namespace: str
    bell: asyncio.Event
    looks: Looks
    publisher: Publisher
    turns: Turns
    clock: Clock
    _backoff: Backoff = field(default_factory=Backoff)

    async def run(self) -> None:
        """Go round until no pool is left, or cancelled; a look under way then ends by itself."""
        while True:
            self.bell.clear()
            pause_s = await self._round()
            if self.looks.is_empty and not self._backoff.pause_s and not self.bell.is_set():
                return
            await asyncio.sleep(LEAST_PAUSE_S)
            await rung(self.bell, pause_s - LEAST_PAUSE_S)

    async def save(self) -> None:
        """Keep what was seen, before the process ends."""
        try:
            async with asyncio.timeout(SAVE_S):
                await self.turns.alone(self.looks.save)
        except (TimeoutError, PilotlightError) as error:
            logger.warning("%s: what was seen is not kept: %s", self.namespace, error)

    async def _round(self) -> float:
        """Look once; seconds until the next look."""
        began = self.clock.monotonic()
        try:
            looked = await self.turns.alone(self.looks.look)
        except PilotlightError as error:
            logger.warning("%s: %s", self.namespace, error)
            return self._failed()
        except Exception:
            logger.exception("%s: the look broke", self.namespace)
            return self._failed()
        self.publisher.took(self.clock.monotonic() - began)
        await self.turns.in_thread(lambda: self.publisher.publish(self.namespace, looked))
        return self._carry_on(looked)

    def _carry_on(self, looked: Looked) -> float:
        faults = [one.fault for one in looked.outcomes if one.fault] + (
            [looked.fault] if looked.fault else []
        )
        if not faults:
            self.publisher.looked(self.namespace, "decided")
            self._backoff.reset()
            return looked.next_look_s
        if all(isinstance(fault, Conflict | NotInCluster) for fault in faults):
            # Not ours alone to write: a person, the API server's own, or the fail-safe.
            logger.info("%s changed meanwhile, looking again: %s", self.namespace, faults[0])
            self.publisher.looked(self.namespace, "conflict")
        else:
            logger.warning("%s: %s", self.namespace, faults[0])
            self.publisher.looked(self.namespace, "failed")
        return self._backoff.longer()

    def _failed(self) -> float:
        self.publisher.looked(self.namespace, "failed")
        return self._backoff.longer()
