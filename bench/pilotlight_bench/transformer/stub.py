"""A predictor that costs next to nothing: ``python stub.py PORT``.

It answers OpenAI's chats. What a stream looks like stands in parameters that every proxy hands on:
``max_tokens`` is the number of its events, ``seed`` the milliseconds between them. Each event then
tells when it was written, so that a client on the same machine knows how long it was on its way.
Without a seed they come as fast as it can write, each by itself; with ``"user": "burst-16"``
sixteen at a time.
"""

import asyncio
import re
import sys
import time
from functools import lru_cache
from typing import cast

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
_STREAM = re.compile(rb'"stream" *: *true')
_USAGE = re.compile(rb'"include_usage" *: *true')
_EVENTS = re.compile(rb'"max_(?:completion_)?tokens" *: *(\d+)')
_BURST = re.compile(rb'"user" *: *"burst-(\d+)"')
_PACE_MS = re.compile(rb'"seed" *: *(\d+)')

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n\r\n"
_STREAM_HEAD = _HEAD % (b"text/event-stream; charset=utf-8", b"transfer-encoding: chunked")
_USAGE_FIELDS = b'"usage":{"prompt_tokens":16,"completion_tokens":%d,"total_tokens":%d}'
_ID = b'"id":"chatcmpl-stub","created":1700000000,"model":"bench"'
_END = b"0\r\n\r\n"


def _frame(data: bytes) -> bytes:
    """One event in a chunk of its own, as servers of models send it."""
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


def _event(delta: bytes, finish: bytes = b"null") -> bytes:
    return _frame(
        b'{%b,"object":"chat.completion.chunk","choices":[{"index":0,"delta":{%b},'
        b'"finish_reason":%b}]}' % (_ID, delta, finish)
    )


def _token() -> bytes:
    """An event whose text is the time in nanoseconds, on the clock that all processes share."""
    return _event(b'"content":"%d "' % time.monotonic_ns())


def _last(events: int, usage: bool) -> bytes:
    parts = [_event(b"", b'"stop"')]
    if usage:
        fields = _USAGE_FIELDS % (events, events + 16)
        parts.append(
            _frame(b'{%b,"object":"chat.completion.chunk","choices":[],%b}' % (_ID, fields))
        )
    return b"".join([*parts, _frame(b"[DONE]"), _END])


@lru_cache(maxsize=64)
def _bursts(events: int, burst: int, usage: bool) -> tuple[bytes, ...]:
    """A stream at full speed, as the writes that it is made of."""
    event = _event(b'"content":" flame"')
    sizes = [min(burst, events - at) for at in range(0, events, burst)]
    writes = [event * size for size in sizes] or [b""]
    writes[0] = _STREAM_HEAD + writes[0]
    writes[-1] += _last(events, usage)
    return tuple(writes)


@lru_cache(maxsize=64)
def _whole(events: int) -> bytes:
    body = (
        b'{%b,"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",'
        b'"content":"A small flame lights the burner at once."},"finish_reason":"stop"}],%b}'
    ) % (_ID, _USAGE_FIELDS % (events, events + 16))
    return _HEAD % (b"application/json", b"content-length: %d" % len(body)) + body


_MODELS = b'{"object":"list","data":[{"id":"bench","object":"model"}]}'
_PLAIN = _HEAD % (b"application/json", b"content-length: %d" % len(_MODELS)) + _MODELS


class Stub(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._busy = False
        self._timer: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's derives from the base only

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if not self._busy:
            self._next()

    def _next(self) -> None:
        """Answer the first request, if it is there whole."""
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is not None:
            size = int(length[1])
        elif _CHUNKED.search(head):
            end = rest.find(_END)
            size = end + len(_END) if end >= 0 else len(rest) + 1
        else:
            size = 0
        if len(rest) < size:
            return
        self._received = rest[size:]
        self._answer(head, rest[:size])

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._transport.write(_PLAIN)
            return
        found = _EVENTS.search(body)
        events = int(found[1]) if found else 16
        if not _STREAM.search(body):
            self._transport.write(_whole(events))
            return
        self._busy = True
        pace = _PACE_MS.search(body)
        usage = _USAGE.search(body) is not None
        if pace is None or int(pace[1]) == 0:
            burst = _BURST.search(body)
            self._burst(_bursts(events, max(1, int(burst[1])) if burst else 1, usage), 0)
        else:
            self._transport.write(_STREAM_HEAD)
            self._paced(events, events, int(pace[1]) / 1000, self._loop.time(), usage)

    def _burst(self, writes: tuple[bytes, ...], at: int) -> None:
        self._transport.write(writes[at])
        if at + 1 < len(writes):
            self._timer = self._loop.call_soon(self._burst, writes, at + 1)
        else:
            self._done()

    def _paced(self, left: int, events: int, pace_s: float, due: float, usage: bool) -> None:
        if left == 0:
            self._transport.write(_last(events, usage))
            self._done()
            return
        self._transport.write(_token())
        due += pace_s
        self._timer = self._loop.call_at(due, self._paced, left - 1, events, pace_s, due, usage)

    def _done(self) -> None:
        self._busy, self._timer = False, None
        if self._received:
            self._next()


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def main() -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(int(sys.argv[1])))
    else:
        uvloop.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
