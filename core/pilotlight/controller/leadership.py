"""Holding the lease, in a thread of its own, and knowing at any moment whether it is still held."""

import asyncio
import logging
import threading
from collections.abc import Callable

from pilotlight.clock import Clock
from pilotlight.controller.lease import Election, Term
from pilotlight.errors import PilotlightError

logger = logging.getLogger(__name__)


class Leadership:
    """Contends for the lease until it is ours, then renews it.

    Nothing that blocks the event loop or a look keeps it from renewing. What it says is safe in
    the other direction: after ``renew_deadline_s`` without a renewal :meth:`is_held` is false,
    while others still wait.

    Args:
        election: The attempts.
        term: The times.
        clock: Monotonic.
        on_lost: Called once if a lease that was held is not any more; it ends the process.
    """

    def __init__(
        self, election: Election, term: Term, clock: Clock, on_lost: Callable[[str], None]
    ) -> None:
        self._election = election
        self._term = term
        self._clock = clock
        self._on_lost = on_lost
        self._held_until = float("-inf")
        self._led = False
        self._said = ""
        self._won = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._contend, name="leadership", daemon=True)

    @property
    def has_word(self) -> bool:
        """Whether the API server has ever said who leads."""
        return self._election.has_word

    @property
    def leader(self) -> str:
        """Who leads, as far as is known."""
        return self._election.leader

    def is_held(self) -> bool:
        """Whether this process may act now."""
        return self._clock.monotonic() < self._held_until

    def start(self) -> None:
        """Begin to contend."""
        self._thread.start()

    async def wait(self) -> None:
        """Until it is held, or no more contended for."""
        await asyncio.to_thread(self._won.wait)

    async def guard(self) -> None:
        """End the process when the lease runs out while an attempt is stuck."""
        while not self._ended.is_set():
            self._check()
            await asyncio.sleep(min(0.25, self._term.retry_s / 4))

    def stop(self, *, release: bool) -> None:
        """Contend no more; blocking.

        Args:
            release: Let another one take over at once; only when nothing is under way.
        """
        self._ended.set()
        self._held_until = float("-inf")
        self._won.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=self._term.renew_deadline_s)
        if release and self._led:
            try:
                self._election.release()
            except PilotlightError as error:
                logger.warning("the lease was not released and will run out: %s", error)

    def _contend(self) -> None:
        while not self._ended.is_set():
            self._attempt()
            self._ended.wait(self._term.retry_s)

    def _attempt(self) -> None:
        began = self._clock.monotonic()
        try:
            won = self._election.attempt()
        except PilotlightError as error:
            if str(error) != self._said:
                logger.warning("no word on the lease: %s", error)
            self._said = str(error)
            self._check()
            return
        if self._ended.is_set():
            self._led = self._led or won
        elif won:
            self._held_until = began + self._term.renew_deadline_s
            if not self._led:
                logger.info("this process leads now", extra={"leader": self.leader})
            self._led = True
            self._won.set()
        elif self._led and self._election.was_taken:
            self._check(taken=True)

    def _check(self, *, taken: bool = False) -> None:
        if not self._led or self._ended.is_set():
            return
        if taken or not self.is_held():
            self._held_until = float("-inf")
            self._on_lost(f"the lease is lost; it is held by {self.leader or 'nobody'}")
