"""One connection to a predictor: a request, its answer, then the next."""

import asyncio
from typing import TYPE_CHECKING, cast

from httptools import HttpParserCallbackError, HttpParserError, HttpResponseParser

from pilotlight.errors import BadGateway, DeadlineExceeded, RequestError
from pilotlight_transformer.forward.response import Broken, Response
from pilotlight_transformer.http.head import HOP_BY_HOP, without_named
from pilotlight_transformer.pipeline.headers import Pair

if TYPE_CHECKING:
    from pilotlight_transformer.forward.pool import Pool

MAX_HEAD_BYTES = 64 * 2**10
_SPECIAL = HOP_BY_HOP | {b"content-length"}


class UpstreamConnection(asyncio.Protocol):
    """Made by the pool; also the callbacks of llhttp.

    Attributes:
        used: It has served a request before.
        idle_since: On the loop's clock, in seconds.
    """

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._loop = pool.loop
        self._transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._response: Response | None = None
        self._pairs: list[Pair] = []
        self._body: list[bytes] = []
        self._headed = self._informed = self._to_the_end = False
        self._keep = False
        self._ended = False
        self._received = 0
        self._paused = False
        self._touched = 0.0
        self.used = False
        self.idle_since = 0.0

    # --- the pool's side

    @property
    def usable(self) -> bool:
        """Whether a request can be written to it."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes) -> Response:
        """Send a request; at most one at a time."""
        assert self._transport is not None  # noqa: S101  # the pool hands out usable ones
        response = self._response = Response(self, self._loop)
        self._pairs, self._body = [], []
        self._headed = self._informed = self._to_the_end = self._ended = False
        self._received = 0
        self._touched = self._loop.time()
        self._transport.write(data)
        return response

    def sweep(self, now: float) -> None:
        """Hold the predictor to its times."""
        response = self._response
        if response is None or self._paused:
            return
        limits = self._pool.limits
        if not self._received:
            if now - self._touched > limits.first_byte_s:
                self.give_up(
                    DeadlineExceeded(
                        f"the predictor did not begin to answer within {limits.first_byte_s:g} "
                        "s: ask for less, or start the transformer with a larger "
                        "--first-byte-timeout-s"
                    )
                )
        elif now - self._touched > limits.chunk_s:
            self.give_up(BadGateway(f"the predictor fell silent for {limits.chunk_s:g} s"))

    def give_up(self, error: RequestError) -> None:
        """Let the answer end with an error, and the connection with it."""
        response, self._response = self._response, None
        self.abort()
        if response is not None:
            response.fail(error)

    def abort(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- the response's side

    def pause(self) -> None:
        """Read no more for now."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._touched = self._loop.time()
            self._transport.resume_reading()

    def abandon(self, response: Response) -> None:
        """Nobody wants the rest of the answer."""
        if self._response is response:
            self._response = None
            self.abort()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # TCP gives one that writes; uvloop's are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            # Nothing was asked: whatever this is, it must not become the next one's answer.
            self.abort()
            return
        self._touched = self._loop.time()
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            cause = error.__context__ if isinstance(error, HttpParserCallbackError) else None
            self.give_up(
                cause
                if isinstance(cause, RequestError)
                else BadGateway(f"the predictor's answer is no HTTP/1.1: {error}")
            )
            return
        if not self._headed:
            if self._received > MAX_HEAD_BYTES:
                self.give_up(BadGateway("the predictor's headers are too large"))
            return
        body, self._body = self._body, []
        if self._ended:
            self._release(response)
        response.arrived(body)

    def eof_received(self) -> None:
        """The transport closes, and :meth:`connection_lost` sees to the answer."""

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        response, self._response = self._response, None
        self._pool.lost(self)
        if response is None:
            return
        if error is None and self._headed and self._to_the_end:
            response.finished()
            response.arrived([])
            return
        response.fail(
            Broken(
                "the predictor ended the connection before its answer was complete",
                unanswered=not self._received,
            )
        )

    # --- httptools

    def on_message_begin(self) -> None:
        if self._ended:
            raise BadGateway("the predictor answered twice")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:
            self._pairs.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            if status == 101:
                raise BadGateway("the predictor changed the protocol without being asked")
            self._informed = True
            self._pairs = []
            return
        response = self._response
        assert response is not None  # noqa: S101  # nothing is parsed without one
        self._headed = True
        response.status = status
        kept = response.headers.pairs
        framed = status in {204, 304}
        named = b""
        for name, value in self._pairs:
            if name not in _SPECIAL:
                kept.append((name, value))
            elif name == b"content-length":
                response.length = int(value)
                framed = True
            elif name == b"transfer-encoding":
                if value.strip().lower() != b"chunked":
                    raise BadGateway("the predictor's transfer-encoding is not 'chunked'")
                framed = True
            elif name == b"connection":
                named += b"," + value
        if named:
            kept[:] = without_named(kept, named)
        self._to_the_end = not framed
        self._keep = framed and self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._informed:
            self._informed = False
        else:
            self._ended = True

    def _release(self, response: Response) -> None:
        self._response = None
        response.finished()
        self.used = True
        if self._paused:
            self.resume()
        if self._keep and self.usable:
            self._pool.release(self)
        else:
            self.abort()
