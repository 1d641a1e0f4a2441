"""What the tests of the cache share: a predictor that can be held, and short names."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from pilotlight.clock import Clock
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.exchange import Exchange
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.steps.cache import CacheStep
from tests.unit.transformer.playing import Play, PlayedClient, PlayedPredictor, a_call, a_chat

WAIT_S = 10.0


def a_question(text: str = "hello", *, stream: bool = False, **more: object) -> dict[str, object]:
    """A deterministic chat."""
    return a_chat(text, stream=stream, **{"temperature": 0, **more})


def of_revision(answer: Answer, revision: str) -> Answer:
    answer.headers.put(b"x-pilotlight-revision", revision.encode())
    return answer


def x_cache(client: PlayedClient) -> str | None:
    return client.headers.text(b"x-cache")


def tenant(name: str, subject: str = "someone") -> Identity:
    return Identity(tenant=name, subject=subject)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  # a condition of plain values
            await asyncio.sleep(0.001)


class Held:
    """A stream whose events a test lets go one by one."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.closed = False

    def say(self, text: str, *, reason: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
        self.raw(b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n")

    def raw(self, data: bytes) -> None:
        self._events.put_nowait(data)

    def finish(self) -> None:
        self.say("", reason="stop")
        self.raw(b"data: [DONE]\n\n")
        self._events.put_nowait(None)

    def fail(self, error: Exception) -> None:
        self._events.put_nowait(error)

    def answer(self, _: Call | None = None) -> Answer:
        headers = Headers([(b"content-type", b"text/event-stream"), (b"set-cookie", b"a=b")])
        return Answer(200, headers, self._body())

    async def _body(self) -> AsyncIterator[bytes]:
        try:
            while (event := await self._events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed = True


class Gate(PlayedPredictor):
    """A predictor that answers only when the test opens it."""

    def __init__(self, reply: Callable[[Call], Answer]) -> None:
        super().__init__(reply)
        self.opened = asyncio.Event()

    async def ask_call(self, call: Call) -> Answer:
        self.asked.append(call)
        await self.opened.wait()
        return self.reply(call)


class Upstream:
    def __init__(self, predictor: PlayedPredictor) -> None:
        self._predictor = predictor

    async def ask(self, call: Call) -> Answer:
        return await self._predictor.ask_call(call)


class Running:
    """A call under way, with the client that reads it."""

    def __init__(
        self,
        play: Play,
        body: dict[str, object],
        client: PlayedClient | None = None,
        **more: object,
    ) -> None:
        self.call = a_call(body, **more)  # type: ignore[arg-type]  # passed on as they come
        self.client = client or PlayedClient()
        self.exchange: Exchange = play.pipeline.open(
            self.call, Upstream(play.predictor), self.client
        )
        self.task = asyncio.create_task(self.exchange.run())

    def leave(self) -> None:
        """The client goes, as the server tells it."""
        if not self.exchange.client_left():
            self.task.cancel()

    async def ended(self) -> PlayedClient:
        async with asyncio.timeout(WAIT_S):
            await self.task
        return self.client


def playing(
    folder: Path,
    predictor: PlayedPredictor | None = None,
    *,
    redis: str | None = None,
    clock: Clock | None = None,
    **settings: object,
) -> Play:
    """A pipeline of the cache alone."""
    return Play(f"- cache: {json.dumps(settings)}", folder, predictor, redis=redis, clock=clock)


def step_of(play: Play) -> CacheStep:
    step = play.pipeline.steps[-1]
    assert isinstance(step, CacheStep)
    return step
