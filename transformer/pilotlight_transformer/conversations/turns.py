"""Turns under way: begun, renewed while the model writes, stored, or given back."""

import asyncio
import logging
from contextlib import suppress
from secrets import token_hex

from pilotlight.clock import Clock
from pilotlight.errors import Outdated, RequestError
from pilotlight_transformer.conversations.answering import GatheredMessage
from pilotlight_transformer.conversations.history import Exchanged, Message
from pilotlight_transformer.conversations.store import (
    Conversations,
    Holder,
    Kept,
    Key,
    TurnLost,
)

logger = logging.getLogger(__name__)


class Turn:
    """One turn of a conversation, from its request to its answer.

    Attributes:
        key: Whose, and which.
        holder: By which the store knows it.
        before: What the store had when it began.
        prompt: The system prompt that the client sent.
        sent: The other messages that it sent.
        gathered: The answer, if it comes as a stream.
    """

    def __init__(self, key: Key, holder: Holder, before: Kept, gathered: GatheredMessage) -> None:
        self.key = key
        self.holder = holder
        self.before = before
        self.prompt: tuple[Message, ...] = ()
        self.sent: tuple[Message, ...] = ()
        self.gathered = gathered
        self.storing: asyncio.Task[None] | None = None

    @property
    def version(self) -> int:
        """The conversation's version once this turn is stored."""
        return self.before.version + 1


class Turns:
    """The turns that this process holds.

    Args:
        store: Where conversations are kept.
        lease_s: After so long without a renewal somebody else may have the turn.
        ttl_s: A conversation is forgotten so long after its last turn.
        max_messages: Of one conversation.
        max_bytes: Likewise.
    """

    def __init__(
        self,
        store: Conversations,
        clock: Clock,
        *,
        lease_s: float,
        ttl_s: float,
        max_messages: int,
        max_bytes: int,
    ) -> None:
        self.store = store
        self._clock = clock
        self._lease_s = lease_s
        self._ttl_s = ttl_s
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._held: dict[Holder, Key] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def begin(self, key: Key, expected: int | None) -> Turn:
        """Take the turn.

        Raises:
            TurnRefused: Somebody has it, or ``expected`` is not the version.
            Unavailable: The store does not answer.
        """
        holder = Holder(token_hex(16))
        began = asyncio.ensure_future(
            self.store.begin(key, holder, expected, self._lease_s, self._clock.time())
        )
        try:
            before = await asyncio.shield(began)
        except asyncio.CancelledError:
            # It may be ours by now, and nobody is left to use it.
            with suppress(Exception):
                await began
                await self.store.release(key, holder)
            raise
        self._held[holder] = key
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        return Turn(key, holder, before, GatheredMessage(self._max_bytes))

    async def store_answer(self, turn: Turn, answer: Message, *, cut: bool) -> None:
        """Store what was sent and answered, once; durable when this returns.

        Raises:
            Outdated: The turn was lost, or the conversation deleted meanwhile.
            Unavailable: The store does not answer.
        """
        if turn.storing is None:
            turn.storing = asyncio.create_task(self._commit(turn, answer, cut))
        # A client that leaves now does not stop what is half done.
        await asyncio.shield(turn.storing)

    async def _commit(self, turn: Turn, answer: Message, cut: bool) -> None:
        now = self._clock.time()
        del self._held[turn.holder]
        try:
            exchanged = Exchanged(turn.sent, answer, turn.prompt, cut)
            history = turn.before.history.after(exchanged, now)
            kept = Kept(turn.version, history.within(self._max_messages, self._max_bytes))
            await self.store.commit(turn.key, turn.holder, kept, self._ttl_s, now)
        except TurnLost:
            raise Outdated(
                "the conversation was deleted, or another turn took its place, while this one was "
                "answered: the answer is not in it; read the conversation and ask again",
                param="conversation_id",
            ) from None
        except Exception:
            # Whatever went wrong: nobody shall wait for the end of the lease.
            with suppress(RequestError):
                await self.store.release(turn.key, turn.holder)
            raise

    async def finish(self, turn: Turn) -> None:
        """The turn is over: wait for what is being stored, or give the turn back unused."""
        if turn.storing is not None:
            with suppress(RequestError):
                await asyncio.shield(turn.storing)
            return
        self._held.pop(turn.holder, None)
        try:
            await self.store.release(turn.key, turn.holder)
        except RequestError as error:
            logger.warning("a turn is free only when its time is over: %s", error)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            if not self._held:
                continue
            try:
                await self.store.renew(dict(self._held), self._lease_s, self._clock.time())
            except RequestError as error:
                logger.warning("turns under way could not be renewed: %s", error)

    async def stop(self) -> None:
        """Renew nothing any more."""
        if self._renewing is not None:
            self._renewing.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewing
