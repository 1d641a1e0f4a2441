"""Streams at a fixed pace: how long each event was on its way, and many of them at once."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from pilotlight.errors import OperationError
from pilotlight_bench.transformer.settings import paced

_WRITTEN_AT = re.compile(rb'"content": ?"(\d+) ')
_LONGEST_EVENT = 4096
OPENING = 100
"""Streams that are opened at the same time."""


@dataclass(slots=True)
class Times:
    """Of a stream's events, in seconds.

    Attributes:
        first: From the request to the first event.
        underway: Of each event, from the upstream's write to here.
    """

    first: float = 0.0
    underway: list[float] = field(default_factory=list)


class Lane(asyncio.Protocol):
    """One connection, for one stream after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._times = Times()
        self._asked_at = 0.0
        self._done: asyncio.Future[Times] = self._loop.create_future()
        self.begun = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's derives from the base only

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(OperationError("a stream broke off; see the server's log"))
        # Whoever waits for the beginning learns of the end.
        self.begun.set()

    def data_received(self, data: bytes) -> None:
        if self._done.done():
            return
        now = time.monotonic_ns()
        text = self._rest + data
        end = 0
        for found in _WRITTEN_AT.finditer(text):
            if not self._times.underway:
                self._times.first = now / 1e9 - self._asked_at
                self.begun.set()
            self._times.underway.append((now - int(found[1])) / 1e9)
            end = found.end()
        self._rest = text[end:][-_LONGEST_EVENT:]
        if b"[DONE]" in self._rest and self._rest.endswith(b"0\r\n\r\n"):
            self._done.set_result(self._times)
        elif not self._times.underway and b"HTTP/1.1 " in text and b"HTTP/1.1 200" not in text:
            self._done.set_exception(OperationError(f"a stream was refused: {text[:300]!r}"))
            self._transport.abort()

    async def ask(self, request: bytes) -> Times:
        """Ask for a stream and wait for its end.

        Raises:
            OperationError: It was refused, or broke off.
        """
        self.begin(request)
        return await self._done

    def begin(self, request: bytes) -> None:
        """Ask for a stream."""
        self._rest, self._times = b"", Times()
        self._done = self._loop.create_future()
        self._asked_at = time.monotonic()
        self._transport.write(request)

    def check(self) -> None:
        """See that the stream has not ended.

        Raises:
            OperationError: It has.
        """
        if self._done.done():
            self._done.result()
            raise OperationError("a stream ended that should have stayed open")

    def close(self) -> None:
        """Leave."""
        self._done.cancel()
        self._transport.abort()


def request(port: int, key: str, events: int, pace_ms: int) -> bytes:
    """The bytes of a request for a stream."""
    body = json.dumps(paced(events, pace_ms)).encode()
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        # A pace is a seed, and with a seed the answer could come from a cache.
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def low_load(port: int, data: bytes, streams: int, lanes: int) -> list[Times]:
    """Streams on a few connections, each the next when the last has ended.

    Raises:
        OperationError: One was refused, or broke off.
    """
    loop = asyncio.get_running_loop()

    async def lane(count: int) -> list[Times]:
        _, protocol = await loop.create_connection(Lane, "127.0.0.1", port)
        try:
            return [await protocol.ask(data) for _ in range(count)]
        finally:
            protocol.close()

    counts = [streams // lanes + (at < streams % lanes) for at in range(lanes)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lane(count)) for count in counts if count]
    return [times for task in tasks for times in task.result()]


async def held_open(
    port: int, data: bytes, streams: int, look: Callable[[], float], seconds: float
) -> float:
    """The largest of several looks while so many streams are open and have begun.

    Raises:
        OperationError: One was refused, or ended.
    """
    loop = asyncio.get_running_loop()
    lanes: list[Lane] = []
    try:
        while len(lanes) < streams:
            opening = [
                loop.create_connection(Lane, "127.0.0.1", port)
                for _ in range(min(OPENING, streams - len(lanes)))
            ]
            opened = [protocol for _, protocol in await asyncio.gather(*opening)]
            lanes += opened
            for each in opened:
                each.begin(data)
            await asyncio.gather(*(each.begun.wait() for each in opened))
        most = 0.0
        for _ in range(5):
            await asyncio.sleep(seconds / 5)
            most = max(most, await asyncio.to_thread(look))
        for each in lanes:
            each.check()
        return most
    finally:
        for each in lanes:
            each.close()
