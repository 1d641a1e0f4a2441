"""What the tests of the format share."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.headers import Headers
from tests.unit.transformer.playing import Play, PlayedPredictor, chat_answer, chat_stream


def playing(folder: Path, *texts: str, **settings: object) -> Play:
    """The step alone, before a model that says ``texts``: a stream's events, or joined."""
    predictor = PlayedPredictor(
        lambda call: chat_stream(*texts) if call.stream else chat_answer("".join(texts))
    )
    return Play(f"- format: {json.dumps(settings)}", folder, predictor)


def events_of(*documents: dict[str, Any] | str) -> Answer:
    """A stream of these events; a text stands as it is."""
    raw = [
        document if isinstance(document, str) else json.dumps(document) for document in documents
    ]

    async def body() -> AsyncIterator[bytes]:
        for data in raw:
            yield f"data: {data}\n\n".encode()

    return Answer(200, Headers([(b"content-type", b"text/event-stream")]), body())


def a_delta(text: str | None, index: int = 0, reason: str | None = None) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def message_of(document: Any) -> Any:
    return document["choices"][0]["message"]["content"]


def reasons_of(events: list[Any]) -> list[str]:
    return [
        choice["finish_reason"]
        for event in events
        if isinstance(event, dict)
        for choice in event.get("choices", [])
        if choice.get("finish_reason")
    ]
