"""Steps at play without a network: a scripted predictor, and a client that keeps what it got."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pilotlight.clock import Clock, SystemClock
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.configuration import parse_configuration
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.pipeline.route import match
from pilotlight_transformer.pipeline.step import Outcome
from pilotlight_transformer.pipeline.target import Target

Reply = Callable[[Call], Answer]


@dataclass
class PlayedClient:
    """Keeps what was written to it; ``leave_after`` bytes its exchange is told that it left."""

    status: int = 0
    headers: Headers = field(default_factory=Headers)
    pieces: list[bytes] = field(default_factory=list)
    finished: bool = False
    aborted: bool = False

    async def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.status, self.headers = status, Headers(headers)

    async def write(self, data: bytes) -> None:
        self.pieces.append(data)

    async def finish(self) -> None:
        self.finished = True

    async def abort(self) -> None:
        self.aborted = True

    async def whole(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        await self.start(status, headers)
        self.pieces, self.finished = [body], True

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The documents of a stream's events; the last one as it is: ``[DONE]``."""
        parts = [part.removeprefix(b"data: ") for part in self.body.split(b"\n\n") if part]
        return [part.decode() if part == b"[DONE]" else json.loads(part) for part in parts]

    @property
    def text(self) -> str:
        """The text of a stream's deltas."""
        return "".join(
            (choice.get("delta") or {}).get("content") or choice.get("text") or ""
            for event in self.events
            if isinstance(event, dict)
            for choice in event.get("choices", [])
        )


@dataclass
class PlayedPredictor:
    """Answers every call by ``reply``, and keeps the calls; and a step's own questions."""

    reply: Reply
    own: Callable[[str, Mapping[str, Any]], dict[str, Any]] | None = None
    asked: list[Call] = field(default_factory=list)
    questions: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def ask_call(self, call: Call) -> Answer:
        self.asked.append(call)
        await asyncio.sleep(0)
        return self.reply(call)

    async def ask(
        self,
        path: str,
        document: Mapping[str, Any],
        timeout_s: float,
        target: Target | None = None,
    ) -> dict[str, Any]:
        self.questions.append((path, document))
        assert self.own is not None
        return self.own(path, document)


class _Upstream:
    def __init__(self, predictor: PlayedPredictor) -> None:
        self._predictor = predictor

    async def ask(self, call: Call) -> Answer:
        return await self._predictor.ask_call(call)


def chat_answer(text: str, **more: Any) -> Answer:
    """A whole answer of a chat."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    document = {"id": "chatcmpl-1", "object": "chat.completion", "model": "m"}
    return Answer.of({**document, "choices": [choice], "usage": usage, **more})


def chat_stream(
    *texts: str, done: bool = True, fail: Exception | None = None, cut: int | None = None
) -> Answer:
    """A streamed answer of a chat, an event for each text.

    Args:
        done: Whether ``[DONE]`` comes at the end.
        fail: Raised at the end instead.
        cut: Size of the pieces in which the bytes come; an event each by default.
    """
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m"}
    events = [
        {**base, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        for text in texts
    ]
    if fail is None:
        events.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    pieces = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    if done and fail is None:
        pieces.append(b"data: [DONE]\n\n")
    if cut is not None:
        whole = b"".join(pieces)
        pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            await asyncio.sleep(0)
            yield piece
        if fail is not None:
            raise fail

    headers = Headers([(b"content-type", b"text/event-stream; charset=utf-8")])
    return Answer(200, headers, body())


def a_call(
    body: Mapping[str, Any] | bytes | None = None,
    *,
    method: str = "POST",
    path: str = "/v1/chat/completions",
    headers: Mapping[str, str] | None = None,
    identity: Identity | None = None,
) -> Call:
    """A request as the server would hand it to the pipeline."""
    found = match(method, path.encode())
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    call = Call(
        route=found.route,
        method=method,
        path=found.path,
        headers=Headers(pairs),
        body=raw,
        path_name=found.name,
        request_id="request-1",
    )
    if identity is not None:
        call.identity = identity
    return call


def a_chat(text: str = "hello", *, stream: bool = False, **more: Any) -> dict[str, Any]:
    """The body of a chat's request."""
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    return {**body, "stream": True} if stream else body


class Play:
    """A pipeline from YAML before a played predictor. Use it as an async context manager.

    Args:
        pipeline: YAML of the list, without ``pipeline:``.
        folder: Of the embedded stores.
        predictor: Whom it asks; by default one that answers "hi".
        redis: URL of a Redis, if the steps are to share their state.
        workers: How many processes the server is said to have.
    """

    def __init__(
        self,
        pipeline: str,
        folder: Path,
        predictor: PlayedPredictor | None = None,
        *,
        redis: str | None = None,
        clock: Clock | None = None,
        workers: int = 1,
    ) -> None:
        self._workers = workers
        self.predictor = predictor or PlayedPredictor(
            lambda call: chat_stream("h", "i") if call.stream else chat_answer("hi")
        )
        stores = f"stores: {{folder: {json.dumps(str(folder))}"
        stores += f", redis: {json.dumps(redis)}}}\n" if redis else "}\n"
        text = stores + "pipeline:\n" + "\n".join(f"  {line}" for line in pipeline.splitlines())
        self.configuration = parse_configuration(text, {})
        self.clock = clock or SystemClock()
        self.pipeline = Pipeline(())

    async def __aenter__(self) -> "Play":
        self.pipeline = await Pipeline.build(
            self.configuration, "m", self.predictor, self.clock, self._workers
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pipeline.close()

    async def send(self, call: Call) -> PlayedClient:
        """Run a call to its end."""
        client, _ = await self.follow(call)
        return client

    async def follow(self, call: Call) -> tuple[PlayedClient, Outcome]:
        """Run a call to its end, and tell how it ended."""
        client = PlayedClient()
        exchange = self.pipeline.open(call, _Upstream(self.predictor), client)
        await exchange.run()
        return client, exchange.outcome

    async def ask(self, body: Mapping[str, Any], **request: Any) -> PlayedClient:
        """Send a chat's body (or ``path=``, ``headers=``, ``identity=``)."""
        return await self.send(a_call(body, **request))
