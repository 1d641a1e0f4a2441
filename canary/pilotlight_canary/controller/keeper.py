"""All rollouts that are looked after, each by a loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pilotlight_canary.controller.doorbell import Doorbell, Doorbells, Key
from pilotlight_canary.controller.rounds import Rounds

MakeRounds = Callable[[Key, Doorbell], Rounds]


class Flag(Protocol):
    """What can be waited for: kopf's, or asyncio's."""

    def wait(self) -> Awaitable[Any]: ...


@dataclass
class Keeper:
    """Begins and ends the loops.

    Args:
        make: A loop for a rollout.
        on_gone: Told which rollout is gone.
        bells: Of all of them.
    """

    make: MakeRounds
    on_gone: Callable[[Key], None]
    bells: Doorbells = field(default_factory=Doorbells)
    _rounds: dict[Key, Rounds] = field(default_factory=dict)

    async def look_after(self, key: Key, stopped: Flag) -> None:
        """Go round until told to stop; returns at once then, a look under way ends by itself."""
        rounds = self._of(key)
        going = asyncio.create_task(rounds.run())
        stop = asyncio.create_task(_until(stopped))
        try:
            await asyncio.wait({going, stop}, return_when=asyncio.FIRST_COMPLETED)
            if going.done():
                going.result()
        finally:
            going.cancel()
            stop.cancel()

    async def release(self, key: Key) -> None:
        """A rollout goes away: undo what it holds, however often that has to be tried."""
        await self._of(key).release()

    def forget(self, key: Key) -> None:
        """A rollout that is gone."""
        self._rounds.pop(key, None)
        self.bells.take_down(key)
        self.on_gone(key)

    def _of(self, key: Key) -> Rounds:
        if key not in self._rounds:
            self._rounds[key] = self.make(key, self.bells.hang(key))
        return self._rounds[key]


async def _until(flag: Flag) -> None:
    await flag.wait()
