"""Giving feedback, for its tests."""

from pathlib import Path
from typing import Any

from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    a_chat,
    chat_answer,
    chat_stream,
)

ALICE, BOB = Identity("alice"), Identity("bob")


class Numbered:
    """A predictor whose answers have an id each, and come from ``revision``."""

    def __init__(self) -> None:
        self.given = 0
        self.revision = "r1"

    def reply(self, call: Call) -> Answer:
        self.given += 1
        identity = f"answer-{self.given}"
        call.facts.revision, call.facts.upstream = self.revision, "main"
        if not call.stream:
            return chat_answer("hi", id=identity)
        answer = chat_stream("h", "i")
        inner = answer.body
        assert not isinstance(inner, bytes)

        async def body() -> Any:
            async for piece in inner:
                yield piece.replace(b"chatcmpl-1", identity.encode())

        answer.body = body()
        return answer


def play_with(settings: str, folder: Path, predictor: Numbered | None = None, **more: Any) -> Play:
    played = PlayedPredictor((predictor or Numbered()).reply)
    return Play(f"- feedback: {{{settings}}}", folder, played, **more)


async def asked(play: Play, who: Identity = ALICE, text: str = "hello", **more: Any) -> str:
    """Ask, and return the answer's id."""
    client = await play.ask(a_chat(text, **more), identity=who)
    assert client.status == 200
    found: str = (client.events[0] if more.get("stream") else client.document)["id"]
    return found


async def give(play: Play, response_id: str, who: Identity = ALICE, **said: Any) -> PlayedClient:
    body = {"response_id": response_id, **said}
    return await play.ask(body, path="/v1/feedback", identity=who)


def counted(play: Play) -> dict[str, float]:
    """The metrics, by name without its prefix and with its labels' values."""
    found = {}
    for collector in play.pipeline.collectors():
        for metric in collector.collect():
            for sample in metric.samples:
                if not sample.name.endswith("_created"):
                    name = sample.name.removeprefix("pilotlight_transformer_feedback_")
                    found[" ".join([name, *sample.labels.values()])] = sample.value
    return found
