"""Talking with a conversation, for its tests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.headers import Headers
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)

ALICE, BOB = Identity("alice"), Identity("bob")


def echo(call: Call) -> Answer:
    """Answers with what was asked last."""
    said = call.document["messages"][-1]["content"]
    return chat_stream("re: ", said) if call.stream else chat_answer(f"re: {said}")


def echoing() -> PlayedPredictor:
    return PlayedPredictor(echo)


async def say(
    play: Play, text: str, conversation: str = "c", who: Identity = ALICE, **more: Any
) -> PlayedClient:
    return await play.ask(a_chat(text, conversation_id=conversation, **more), identity=who)


async def read(play: Play, conversation: str = "c", who: Identity = ALICE) -> PlayedClient:
    path = f"/v1/conversations/{conversation}"
    return await play.send(a_call(method="GET", path=path, identity=who))


async def forget(play: Play, conversation: str = "c", who: Identity = ALICE) -> PlayedClient:
    path = f"/v1/conversations/{conversation}"
    return await play.send(a_call(method="DELETE", path=path, identity=who))


async def contents(play: Play, conversation: str = "c", who: Identity = ALICE) -> list[Any]:
    """What is kept, as texts; nothing if there is no such conversation."""
    client = await read(play, conversation, who)
    if client.status == 404:
        return []
    return [message["content"] for message in client.document["messages"]]


def told(play: Play, index: int = -1) -> list[Any]:
    """The messages that the predictor got."""
    messages: list[Any] = play.predictor.asked[index].document["messages"]
    return messages


def version(client: PlayedClient) -> str | None:
    return client.headers.text(b"x-conversation-version")


class Held:
    """A predictor that answers when it is told to, and tells when it was asked."""

    def __init__(self, *before: str, after: str = "late") -> None:
        self.go = asyncio.Event()
        self.asked = asyncio.Event()
        self._before = before
        self._after = after
        self.predictor = PlayedPredictor(self.reply)

    def reply(self, call: Call) -> Answer:
        inner = chat_stream(*self._before, self._after) if call.stream else chat_answer("late")
        kind = b"text/event-stream" if call.stream else b"application/json"
        return Answer(200, Headers([(b"content-type", kind)]), self._body(inner))

    async def _body(self, inner: Answer) -> AsyncIterator[bytes]:
        if isinstance(inner.body, bytes):
            self.asked.set()
            await self.go.wait()
            yield inner.body
            return
        left = len(self._before)
        async for piece in inner.body:
            if left == 0:
                self.asked.set()
                await self.go.wait()
            left -= 1
            yield piece


def play_with(settings: str, folder: Path, **more: Any) -> Play:
    return Play(
        f"- conversation: {{{settings}}}", folder, more.pop("predictor", None) or echoing(), **more
    )
