"""A value that is fetched before it is old, off the path of the requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pilotlight.clock import Clock
from pilotlight.errors import Unavailable
from pilotlight_transformer.auth.freshness import Freshness

logger = logging.getLogger(__name__)

T = TypeVar("T")

TICK_S = 0.2
"""How often the policy is asked whether a fetch is due."""


class CannotFetch(Exception):
    """A fetch failed; the message names no secret."""


class Refreshed(Generic[T]):
    """Fetches a value at start, again before it is old, and earlier when something is missing.

    Args:
        what: In logs and refusals, as in "the keys of the issuer x".
        fetch: Gets the value, and may return the same object for an unchanged one.
        timeout_s: Deadline of one fetch.
        told: Called with ``ok``, ``failed`` after each fetch.
    """

    def __init__(
        self,
        what: str,
        fetch: Callable[[], Awaitable[T]],
        freshness: Freshness,
        clock: Clock,
        timeout_s: float,
        told: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        self._what = what
        self._fetch = fetch
        self.freshness = freshness
        self._clock = clock
        self._timeout_s = timeout_s
        self._told = told
        self._value: T | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fetch for the first time, successfully or not, and keep it fresh from then on."""
        await self.refresh()
        self._loop = asyncio.create_task(self._keep(), name=f"refresh {self._what}")

    async def stop(self) -> None:
        """End the tasks."""
        for task in (self._loop, self._fetching):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    def adopt(self, other: "Refreshed[T]") -> None:
        """Go on with what another one has of the same source, as old as it is there."""
        self._value = other._value
        self.freshness.good_at = other.freshness.good_at

    def get(self) -> T:
        """The value.

        Raises:
            Unavailable: There is none, or it is too old to be trusted.
        """
        value = self._value
        if value is None or not self.freshness.serves(self._clock.monotonic()):
            raise Unavailable(
                f"{self._what} cannot be had at the moment, so nobody can be recognised by them: "
                "try again",
                retry_after_s=self.freshness.retry_s,
            )
        return value

    async def ask_again(self) -> bool:
        """Fetch because something was not in the value, unless that was done a moment ago.

        Returns:
            Whether a fetch took place: then it is worth another look.
        """
        if self._fetching is None and not self.freshness.may_ask_again(self._clock.monotonic()):
            return False
        await self.refresh()
        return True

    async def refresh(self) -> None:
        """Fetch, or wait for the fetch under way; never raises for a failed one."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._once(), name=f"fetch {self._what}")
        # A client that leaves must not take the fetch along, for which others wait.
        await asyncio.shield(self._fetching)

    async def _once(self) -> None:
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                self._value = await self._fetch()
        except (CannotFetch, TimeoutError) as error:
            self._failed(str(error) or f"no answer within {self._timeout_s:g} s")
        except Exception as error:
            logger.exception("%s: the fetch broke", self._what)
            self._failed(type(error).__name__)
        else:
            if self.freshness.failing:
                logger.info("%s: fetched again", self._what)
            # What came may be as old as the question.
            self.freshness.succeeded(began)
            self._told("ok")
        finally:
            self._fetching = None

    def _failed(self, reason: str) -> None:
        if not self.freshness.failing:
            logger.warning("%s cannot be fetched: %s", self._what, reason)
        self.freshness.failed(self._clock.monotonic())
        self._told("failed")

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self.freshness.due(self._clock.monotonic()):
                await self.refresh()
