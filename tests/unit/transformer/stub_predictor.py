"""A predictor on 127.0.0.1 that does what a test tells it, misbehaviour included."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pilotlight_transformer.pipeline.target import Target

DONE = b"data: [DONE]\n\n"


@dataclass(eq=False)
class StubRequest:
    """A request, as it came over the wire.

    Attributes:
        gone: Set when the asking side has ended the connection.
    """

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    writer: asyncio.StreamWriter
    connection: int
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    def header(self, name: str) -> str | None:
        found = [value for known, value in self.headers if known == name]
        assert len(found) < 2, f"{name} came twice"
        return found[0] if found else None

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def reset(self) -> None:
        """End the connection so that the other side gets an error."""
        self.writer.transport.abort()


Script = Callable[[StubRequest], Awaitable[None]]


def head(status: int = 200, **headers: object) -> bytes:
    """A head; names are written with dashes."""
    lines = [f"HTTP/1.1 {status} Some Reason"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    """A piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(text: str) -> bytes:
    """An event with some text of a chat."""
    document = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


STREAM_HEAD = head(200, content_type="text/event-stream", transfer_encoding="chunked")


def whole(
    body: bytes | Mapping[str, Any] = b'{"id": "a-1"}', status: int = 200, **headers: object
) -> Script:
    """Answers with a whole body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def script(request: StubRequest) -> None:
        kind = {"content_type": "application/json", **headers}
        request.write(head(status, **kind, content_length=len(data)) + data)

    return script


def stream(
    *texts: str, before: asyncio.Event | None = None, pause_s: float = 0.0, end: str = "done"
) -> Script:
    """Answers with events.

    Args:
        before: Awaited before each event but the first.
        pause_s: Before each event but the first.
        end: ``done``, or how it breaks off: ``reset``, ``close``, ``hang``.
    """

    async def script(request: StubRequest) -> None:
        request.write(STREAM_HEAD)
        for index, text in enumerate(texts):
            if index and before is not None:
                await before.wait()
            if index and pause_s:
                await asyncio.sleep(pause_s)
            request.write(chunk(event(text)))
            await request.writer.drain()
        if end == "done":
            request.write(chunk(DONE) + b"0\r\n\r\n")
        elif end == "hang":
            await request.gone.wait()
        elif end == "reset":
            # What was written must be on its way before.
            await asyncio.sleep(0.05)
            request.reset()
        else:
            request.writer.close()

    return script


async def never(request: StubRequest) -> None:
    """Does not answer."""
    await request.gone.wait()


async def hang_up(request: StubRequest) -> None:
    """Ends the connection instead of answering."""
    request.writer.close()


def in_turn(scripts: Sequence[Script]) -> Script:
    """One script for each request, the last one for all that follow."""
    left = list(scripts)

    async def script(request: StubRequest) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request)

    return script


class StubPredictor:
    """An HTTP/1.1 server that keeps what it was asked. Use it as an async context manager."""

    def __init__(self, script: Script | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.script = script or whole()
        self._tls = tls
        self.requests: list[StubRequest] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def target(self) -> Target:
        return self.named("predictor")

    def named(self, name: str, model: str | None = None) -> Target:
        return Target(name, "127.0.0.1", self.port, model=model)

    @property
    def last(self) -> StubRequest:
        return self.requests[-1]

    async def __aenter__(self) -> "StubPredictor":
        await self.listen()
        return self

    async def listen(self) -> None:
        """Open the port; the same one, if it was open before."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        number = self.connections
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            while not writer.is_closing():
                request = await _read(reader, writer, number)
                self.requests.append(request)
                await self._answer(request, reader)
        self._writers.discard(writer)
        self._tasks.discard(task)
        writer.close()

    async def _answer(self, request: StubRequest, reader: asyncio.StreamReader) -> None:
        answering = asyncio.ensure_future(self.script(request))
        watching = asyncio.ensure_future(_watch(reader, request.gone))
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                # A script that waits for this may end in its own way.
                await asyncio.wait({answering}, timeout=1)
        finally:
            answering.cancel()
            watching.cancel()
            results = await asyncio.gather(answering, watching, return_exceptions=True)
        faults = [found for found in results if isinstance(found, AssertionError)]
        assert not faults, faults


async def _watch(reader: asyncio.StreamReader, gone: asyncio.Event) -> None:
    """Until the other side has left; it sends nothing while it waits for an answer."""
    while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    gone.set()


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
) -> StubRequest:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = text[:-4].split("\r\n")
    headers = [(name, value) for name, _, value in (part.partition(": ") for part in rest)]
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    body = await reader.readexactly(length)
    return StubRequest(line, headers, body, writer, number)
