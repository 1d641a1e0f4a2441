"""One call through the pipeline, to the predictor and back to its client."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence

from pilotlight.errors import BadGateway, InternalError, RequestError
from pilotlight.http_error import error_body, error_headers
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.event import DONE, Event, EventSplitter
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.hooks import Hooks
from pilotlight_transformer.pipeline.step import Client, Outcome, Step, Upstream

logger = logging.getLogger(__name__)

MAX_WHOLE_BYTES = 64 * 2**20
"""Largest answer that a step may ask to see whole."""
STEP_END_S = 10.0
"""How long the steps' ``end`` may take, until one of them fails."""

_LAST = Event(b"data: " + DONE + b"\n\n")


class Exchange:
    """Runs one call; made by :meth:`~pilotlight_transformer.pipeline.pipeline.Pipeline.open`.

    Args:
        hooks: Of the pipeline's steps.
        upstream: Where a call goes that no step has answered.
        call: The request.
        client: Who asked.
    """

    def __init__(self, hooks: Hooks, upstream: Upstream, call: Call, client: Client) -> None:
        self._hooks = hooks
        self._upstream = upstream
        self._call = call
        self._client = client
        self._reached = 0
        self._passed = 0
        self._started = False
        self._told = False
        self._streams = False
        self._said_last = 0
        self._client_left = False
        self.outcome = Outcome()

    @property
    def wanted(self) -> bool:
        """Whether somebody wants the answer although the client has left."""
        return any(step.wanted(self._call) for step in self._hooks.of("wanted", self._reached))

    def client_left(self) -> bool:
        """Tell that the client is gone.

        Returns:
            Whether the exchange goes on for others; if not, its task is to be cancelled.
        """
        self._client_left = True
        self.outcome.cancelled = True
        return self.wanted

    async def run(self) -> None:
        """From the first step to the last byte; raises nothing but cancellation."""
        try:
            await self._answer()
        except RequestError as error:
            await self._fail(error)
        except asyncio.CancelledError:
            self.outcome.cancelled = True
            raise
        except Exception:
            logger.exception("a request failed inside the transformer")
            await self._fail(InternalError("the transformer failed; its log says why"))
        finally:
            self._call.ended = True
            await self._end()

    async def _answer(self) -> None:
        answer = await self._request()
        if answer is None:
            answer = await self._upstream.ask(self._call)
        try:
            await self._send(answer)
        finally:
            if not isinstance(answer.body, bytes):
                await _close(answer.body)

    async def _request(self) -> Answer | None:
        for step in self._hooks.steps:
            self._reached += 1
            answer = await step.request(self._call)
            if answer is not None:
                return answer
            self._passed += 1
        return None

    async def _send(self, answer: Answer) -> None:
        if answer.streams:
            self._answering(answer)
            await self._stream(answer)
            return
        if answer.status == 200 and (seeing := self._having("response")):
            answer.body = await _whole(answer.body)
            for step in seeing:
                await step.response(self._call, answer)
        self._answering(answer)
        if isinstance(answer.body, bytes):
            self._begin(answer.status)
            if not self._client_left:
                await self._client.whole(answer.status, answer.headers, answer.body)
            return
        await self._start(answer)
        async for data in answer.body:
            await self._write(data)
        await self._finish()

    async def _stream(self, answer: Answer) -> None:
        assert not isinstance(answer.body, bytes)  # noqa: S101  # told by Answer.streams
        self._streams = True
        await self._start(answer)
        if self._having("chunk") or self._having("last_chunks"):
            await self._events(answer.body)
        else:
            watching = self._having("watch")
            async for data in answer.body:
                for step in watching:
                    step.watch(self._call, data)
                await self._write(data)
        await self._finish()

    async def _events(self, body: AsyncIterator[bytes]) -> None:
        splitter = EventSplitter()
        done = False
        async for data in body:
            try:
                events = splitter.feed(data)
            except ValueError as error:
                raise BadGateway(f"the predictor's stream cannot be read: {error}") from None
            done = any(event.done for event in events)
            events = [event for event in events if not event.done]
            await self._pass_on(events)
            if done or self._call.enough:
                break
        rest = splitter.rest()
        if not done and not self._call.enough and rest.strip():
            last = Event(rest + b"\n\n")
            done = last.done
            if not done:
                await self._pass_on([last])
        await self._last(done=done or self._call.enough)

    async def _pass_on(self, events: list[Event]) -> None:
        await self._write(await self._through(events, self._onion()))

    async def _through(self, events: Iterable[Event], steps: Sequence[Step]) -> bytes:
        """Events, as the given steps leave them, the innermost first."""
        passing = list(events)
        for step in steps:
            if not passing:
                return b""
            if self._hooks.has(step, "chunk"):
                passing = [out for event in passing for out in await step.chunk(self._call, event)]
            if passing and self._hooks.has(step, "watch"):
                step.watch(self._call, b"".join(event.raw for event in passing))
        return b"".join(event.raw for event in passing)

    async def _last(self, *, done: bool) -> None:
        steps = self._onion()
        while self._said_last < len(steps):
            step = steps[self._said_last]
            self._said_last += 1
            if self._hooks.has(step, "last_chunks"):
                events = list(await step.last_chunks(self._call))
                if events and self._hooks.has(step, "watch"):
                    step.watch(self._call, b"".join(event.raw for event in events))
                await self._write(await self._through(events, steps[self._said_last :]))
        if done:
            for step in self._having("watch"):
                step.watch(self._call, _LAST.raw)
            await self._write(_LAST.raw)

    def _having(self, hook: str) -> Sequence[Step]:
        return self._hooks.of(hook, self._passed)

    def _onion(self) -> Sequence[Step]:
        """The steps that let the request go on, the innermost first."""
        return self._hooks.steps[: self._passed][::-1]

    def _answering(self, answer: Answer) -> None:
        if self._told:
            return
        self._told = True
        for step in self._hooks.of("answering", self._reached):
            step.answering(self._call, answer)

    async def _start(self, answer: Answer) -> None:
        self._begin(answer.status)
        if not self._client_left:
            await self._client.start(answer.status, answer.headers)

    def _begin(self, status: int) -> None:
        self._started = True
        self.outcome.status = status

    async def _write(self, data: bytes) -> None:
        if data and not self._client_left:
            await self._client.write(data)

    async def _finish(self) -> None:
        if not self._client_left:
            await self._client.finish()

    async def _fail(self, error: RequestError) -> None:
        call = self._call
        self.outcome.error = error.code
        if self._client_left:
            return
        if not self._started:
            body = error_body(error, call.path)
            headers = [
                (name, value)
                for name, value in error_headers(error, body)
                if name != b"content-length"
            ]
            answer = Answer(error.status, Headers(headers), body)
            self._answering(answer)
            self._begin(error.status)
            await self._client.whole(answer.status, answer.headers, body)
            return
        self.outcome.cut = True
        call.facts.finish_reason = "error"
        if self._streams:
            await self._last_words(error)
        else:
            await self._client.abort()

    async def _last_words(self, error: RequestError) -> None:
        """End a stream that began: what was held back, then the error, then the end."""
        try:
            await self._last(done=False)
        except RequestError as second:
            logger.warning("a step could not end a stream that was cut: %s", second)
        await self._write(b"data: " + error_body(error, "/v1/chat/completions") + b"\n\n")
        await self._write(_LAST.raw)
        await self._finish()

    async def _end(self) -> None:
        left = list(self._hooks.of("end", self._reached))[::-1]
        while left:
            step = left[-1]
            try:
                # One timer for all that end without waiting.
                async with asyncio.timeout(STEP_END_S):
                    while left:
                        step = left.pop()
                        await step.end(self._call, self.outcome)
            except Exception:
                logger.exception("the step %s failed at the end of a request", step.name)


async def _whole(body: bytes | AsyncIterator[bytes]) -> bytes:
    if isinstance(body, bytes):
        return body
    pieces, size = [], 0
    async for piece in body:
        size += len(piece)
        if size > MAX_WHOLE_BYTES:
            raise BadGateway(
                f"the predictor's answer is over {MAX_WHOLE_BYTES} bytes, more than the "
                "pipeline's steps take: ask for less, or as a stream"
            )
        pieces.append(piece)
    return b"".join(pieces)


async def _close(body: AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
