"""The step ``conversation``: the server remembers what was said, so that the client need not."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from prometheus_client import Counter
from prometheus_client.registry import Collector
from pydantic import Field

from pilotlight.errors import NotFound, Outdated, RequestError, UsageError
from pilotlight_transformer.conversations.answering import bounded, message_of
from pilotlight_transformer.conversations.asking import (
    ID_FIELD,
    VERSION_FIELD,
    may_name_one,
    messages_of,
    named,
)
from pilotlight_transformer.conversations.history import parted
from pilotlight_transformer.conversations.redis import RedisConversations
from pilotlight_transformer.conversations.sqlite import MAX_CONVERSATIONS, SqliteConversations
from pilotlight_transformer.conversations.store import Conversations, Key, TurnRefused
from pilotlight_transformer.conversations.trimming import by_tokenizer, estimate, told
from pilotlight_transformer.conversations.turns import Turn, Turns
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.step import Outcome, Step, StepSettings

VERSION_HEADER = b"x-conversation-version"


class ConversationSettings(StepSettings):
    """``conversation:`` of the pipeline's YAML."""

    store: Literal["auto", "sqlite", "redis"] = "auto"
    """``auto``: Redis if ``stores.redis`` names one, else SQLite."""
    max_tokens: Annotated[int, Field(ge=1)] = 8000
    """Of the system prompt and the turns before that go to the model."""
    tokenizer: Path | None = None
    """A ``tokenizer.json``; without it tokens are estimated."""
    ttl_s: Annotated[float, Field(gt=0, le=10 * 365 * 86400)] = 7 * 86400.0
    lease_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """After so long a turn whose process has died is free."""
    max_conversations: Annotated[int, Field(ge=1)] = MAX_CONVERSATIONS
    """Of one tenant, in SQLite; the one whose last turn is longest ago makes room."""
    max_messages: Annotated[int, Field(ge=2)] = 1000
    max_bytes: Annotated[int, Field(ge=1024, le=64 * 2**20)] = 2**20


class ConversationStep(Step):
    """Puts a conversation's history before what is asked, and keeps what is answered."""

    name: ClassVar[str] = "conversation"
    Settings = ConversationSettings
    settings: ConversationSettings

    async def start(self) -> None:
        settings = self.settings
        self._turn, self._version = Slot[Turn](), Slot[int]()
        self._count = by_tokenizer(settings.tokenizer) if settings.tokenizer else estimate
        self._turns = Turns(
            await self._store(),
            self.surroundings.clock,
            lease_s=settings.lease_s,
            ttl_s=settings.ttl_s,
            max_messages=settings.max_messages,
            max_bytes=settings.max_bytes,
        )
        self._ended = Counter(
            "pilotlight_transformer_conversation_turns",
            "Turns of conversations, by how they ended.",
            ["outcome"],
            registry=None,
        )

    async def _store(self) -> Conversations:
        shared, wanted = self.surroundings.stores.shared, self.settings.store
        if wanted == "redis" and shared is None:
            raise UsageError("conversation: store: redis needs stores.redis: name its URL there")
        if shared is not None and wanted != "sqlite":
            return RedisConversations(shared)
        database = self.surroundings.stores.database("conversations")
        store = SqliteConversations(database, self.settings.max_conversations)
        await store.open()
        return store

    async def stop(self) -> None:
        # A step that did not start has none.
        if (turns := getattr(self, "_turns", None)) is not None:
            await turns.stop()

    async def request(self, call: Call) -> Answer | None:
        if call.route is Route.CONVERSATIONS:
            return await self._about(call)
        if not may_name_one(call):
            return None
        key, expected = named(call)
        if key is None:
            return None
        await self._begin(call, key, expected)
        return None

    async def _about(self, call: Call) -> Answer:
        """Answer GET and DELETE of a conversation."""
        key = Key(call.identity.tenant, call.path_name or "")
        now = self.surroundings.clock.time()
        if call.method == "DELETE":
            if not await self._turns.store.delete(key, now):
                raise _unknown()
            call.decide(self.name, "deleted")
            return Answer.of({"id": key.id, "object": "conversation", "deleted": True})
        found = await self._turns.store.read(key, now)
        if found is None:
            raise _unknown()
        kept, expires_at = found
        self._version.put(call, kept.version)
        history = kept.history
        said = [entry.message | ({"cut": True} if entry.cut else {}) for entry in history.said]
        return Answer.of(
            {
                "id": key.id,
                "object": "conversation",
                "version": kept.version,
                "created_at": int(history.began_at),
                "updated_at": int(history.changed_at),
                "expires_at": int(expires_at),
                "dropped_messages": history.dropped,
                "messages": [*history.prompt, *said],
            }
        )

    async def _begin(self, call: Call, key: Key, expected: int | None) -> None:
        prompt, sent = parted(messages_of(call, self.settings.max_bytes))
        try:
            turn = await self._turns.begin(key, expected)
        except TurnRefused as refusal:
            self._version.put(call, refusal.version)
            self._ended.labels("refused").inc()
            raise _refusal(refusal) from None
        self._turn.put(call, turn)
        turn.prompt, turn.sent = prompt, sent
        arguments = (turn.before.history, prompt, sent, self.settings.max_tokens, self._count)
        if self.settings.tokenizer is None:
            messages, left_out = told(*arguments)
        else:
            messages, left_out = await asyncio.to_thread(told, *arguments)
        call.edit()["messages"] = messages
        call.decide(
            self.name, "continued" if turn.before.version else "began", f"{left_out} left out"
        )

    def answering(self, call: Call, answer: Answer) -> None:
        turn, version = self._turn.get(call), self._version.get(call)
        if turn is not None and answer.status == 200 and (answer.streams or turn.storing):
            version = turn.version
        if version is not None:
            answer.headers.put(VERSION_HEADER, str(version).encode())

    async def response(self, call: Call, answer: Answer) -> None:
        turn = self._turn.get(call)
        document = answer.document() if turn is not None else None
        message = message_of(document) if document is not None else None
        if turn is not None and message is not None:
            kept, cut = bounded(message, self.settings.max_bytes)
            await self._turns.store_answer(turn, kept, cut=cut)

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        turn = self._turn.get(call)
        if turn is not None and (document := event.document) is not None:
            turn.gathered.add(document)
        return (event,)

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        if (turn := self._turn.get(call)) is not None:
            turn.gathered.finished |= call.enough
            await self._store_gathered(turn, ended=call.facts.finish_reason != "error")
        return ()

    async def _store_gathered(self, turn: Turn, *, ended: bool) -> None:
        if turn.storing is None and turn.gathered.began:
            message, cut = turn.gathered.message(ended=ended)
            await self._turns.store_answer(turn, message, cut=cut)

    async def end(self, call: Call, outcome: Outcome) -> None:
        turn = self._turn.get(call)
        if turn is None:
            return
        try:
            await self._store_gathered(turn, ended=False)
        except RequestError as error:
            call.decide(self.name, "lost", error.code)
        await self._turns.finish(turn)
        self._ended.labels(_how(turn)).inc()

    def collectors(self) -> Iterable[Collector]:
        return (self._ended,)


def _refusal(refusal: TurnRefused) -> Outdated:
    if refusal.busy:
        return Outdated(
            "another turn of this conversation is under way: wait for its answer, then ask again",
            param=ID_FIELD,
            retry_after_s=1,
        )
    return Outdated(
        f"the conversation is at version {refusal.version}: read it, and ask again with that "
        f"{VERSION_FIELD}",
        param=VERSION_FIELD,
    )


def _unknown() -> NotFound:
    return NotFound("there is no such conversation: it was never begun, has expired, or is deleted")


def _how(turn: Turn) -> str:
    storing = turn.storing
    if storing is None:
        return "unused"
    if not storing.done() or storing.cancelled() or storing.exception() is not None:
        return "failed"
    return "stored"
