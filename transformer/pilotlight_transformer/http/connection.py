"""One client's connection: cuts requests out of its bytes, and answers them in their order."""

import asyncio
import logging
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from pilotlight.errors import (
    BodyTooLarge,
    BodyTooSlow,
    HeadersTooLarge,
    HeadersTooSlow,
    InternalError,
    InvalidRequest,
    Overloaded,
    RequestError,
    Unavailable,
)
from pilotlight_transformer.http.head import Head, read_head
from pilotlight_transformer.http.render import CONTINUE
from pilotlight_transformer.http.reply import Reply
from pilotlight_transformer.http.request import Request
from pilotlight_transformer.pipeline.headers import Pair

if TYPE_CHECKING:
    from pilotlight_transformer.http.server import HttpServer

logger = logging.getLogger(__name__)

LINGER_S = 2.0
"""How long a refused client's bytes are still read, so that it sees why (RFC 9112, 9.6)."""
MAX_WAITING = 16
"""Requests that one connection may have sent ahead; what follows is refused.

Waiting with the reading instead would hide that the client has left.
"""
MAX_AHEAD_BYTES = 256 * 2**10
"""Of a request that is sent ahead, read before the one in front is answered."""
CHUNK_OVERHEAD = 8
"""Bytes of framing that each byte of a chunked body may have, beside a head's worth."""


class Phase(IntEnum):
    """What the connection is read for."""

    NEW = 0
    IDLE = 1
    HEAD = 2
    BODY = 3
    LINGERING = 4


class _Ended(Exception):
    """Nothing that follows in these bytes is read any more."""


class ServerConnection(asyncio.Protocol):
    """Made by the server for each connection; also the callbacks of llhttp."""

    def __init__(self, server: "HttpServer") -> None:
        self._server = server
        self._limits = server.limits
        self._loop = server.loop
        self._transport: asyncio.Transport | None = None
        self._parser = HttpRequestParser(self)
        self._phase = Phase.NEW
        self._since = self._touched = self._loop.time()
        self._target = b""
        self._pairs: list[Pair] = []
        self._raw = 0
        self._head: Head | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._reread = False
        self._close = self._old = False
        self._reply: Reply | None = None
        self._waiting: deque[tuple[Request, Reply]] = deque()
        self._handling = False
        self._refusal: RequestError | None = None
        self._full_since: float | None = None
        self._unsent = 0
        self._room: asyncio.Future[None] | None = None
        self.peer = ""

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # TCP gives one that writes; uvloop's are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if address else ""
        if (error := self._server.joined(self)) is not None:
            self._refuse(error)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._server.left(self)
        self._drop_unanswered()
        self.resume_writing()
        if self._reply is not None:
            reply, self._reply = self._reply, None
            reply.left()

    def eof_received(self) -> None:
        """A client that sends no more is taken for one that has left: the transport closes."""

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase is Phase.LINGERING or self._refusal is not None:
            return
        self._touched = self._loop.time()
        if phase is Phase.HEAD or phase is Phase.BODY:
            self._raw += len(data)
        self._feed(data)
        if self._phase is phase:
            self._check_raw()
        if self._raw > MAX_AHEAD_BYTES and self._phase is Phase.BODY:
            self._check_ahead()

    def pause_writing(self) -> None:
        self._full_since = self._loop.time()
        if self._reply is not None and self._reply.source is not None:
            self._reply.source.hold()

    def resume_writing(self) -> None:
        self._full_since = None
        if self._room is not None:
            if not self._room.done():
                self._room.set_result(None)
            self._room = None
        if self._reply is not None:
            if self._reply.source is not None:
                self._reply.source.go_on()
        elif self._transport is not None:
            self._next()

    # --- httptools

    def on_message_begin(self) -> None:
        if self._phase is Phase.LINGERING:
            raise _Ended
        self._phase = Phase.HEAD
        self._since = self._touched
        self._raw = 0
        if self._reread:
            return
        self._pairs = []
        self._target = b""

    def on_url(self, url: bytes) -> None:
        if not self._reread:
            self._target = self._target + url if self._target else url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            self._pairs.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._reread:
            self._begin_body()
            return
        size = len(self._target) + sum([len(name) + len(value) + 4 for name, value in self._pairs])
        if size > self._limits.head_bytes:
            raise self._head_too_large()
        parser = self._parser
        version = parser.get_http_version()
        if version not in {"1.1", "1.0"}:
            raise InvalidRequest(f"HTTP/{version} is not spoken here: use HTTP/1.1")
        self._old = version == "1.0"
        head = read_head(parser.get_method(), self._target, self._pairs, old=self._old)
        if head.method == b"CONNECT":
            raise InvalidRequest("CONNECT is not offered: this is no proxy for other hosts")
        self._close = self._old or not parser.should_keep_alive()
        if head.length is not None and head.length > self._limits.body_bytes:
            raise self._body_too_large()
        self._head = head
        if not parser.should_upgrade():
            self._begin_body()

    def on_body(self, data: bytes) -> None:
        size = len(data)
        self._size += size
        self._server.held_bytes += size
        if self._size > self._limits.body_bytes:
            raise self._body_too_large()
        if self._server.held_bytes > self._limits.held_body_bytes:
            raise self._too_much_held()
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        head = self._head
        if head is None or self._phase is not Phase.BODY:
            return
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._head, self._pieces = None, []
        self._reread = False
        self._phase = Phase.IDLE
        self._since = self._touched
        if (self._reply is not None or self._waiting) and (
            len(body) > MAX_AHEAD_BYTES or len(self._waiting) >= MAX_WAITING
        ):
            raise self._too_far_ahead()
        reply = Reply(self, head_only=head.method == b"HEAD", old=self._old, close=self._close)
        reply.held, self._size = self._size, 0
        self._waiting.append((Request(head, body), reply))
        if self._reply is None:
            self._next()

    # --- for the reply

    @property
    def full(self) -> bool:
        """The client does not take what is sent as fast as it comes."""
        return self._full_since is not None

    @property
    def closing_soon(self) -> bool:
        """No further request is taken on this connection."""
        return self._server.closing

    def send(self, data: bytes) -> None:
        """Write, if somebody is there."""
        if self._transport is not None:
            self._transport.write(data)

    async def room(self) -> None:
        """Wait until the client has taken most of what was sent."""
        if self._full_since is None:
            return
        if self._room is None:
            self._room = self._loop.create_future()
        await asyncio.shield(self._room)

    def answered(self, *, close: bool) -> None:
        """The answer is complete: take the next request, or end."""
        self._reply = None
        if self._transport is None:
            return
        if close:
            self._linger()
            return
        self._since = self._loop.time()
        self._next()

    def abort(self) -> None:
        """End at once; what has not been sent is lost."""
        self._reply = None
        self._phase = Phase.LINGERING
        self._drop_unanswered()
        if self._transport is not None:
            self._transport.abort()

    def let_go(self, size: int) -> None:
        """A body of so many bytes is kept no longer."""
        self._server.held_bytes -= size

    # --- for the server

    def close_if_idle(self) -> None:
        """End, if no request is being read or answered."""
        if self._reply is None and not self._waiting and self._phase <= Phase.IDLE:
            self._linger()

    def sweep(self, now: float) -> None:
        """Hold the client to its times."""
        limits, phase = self._limits, self._phase
        if self._full_since is not None or phase is Phase.LINGERING:
            self._sweep_unsent(now)
        elif phase is Phase.IDLE:
            if self._reply is None and now - self._since > limits.keep_alive_s:
                self._linger()
        elif self._refusal is not None:
            return
        elif phase is Phase.BODY:
            self._sweep_body(now)
        elif now - self._since > limits.head_s:
            if phase is Phase.NEW:
                # Whoever keeps connections ready would take an answer for that of its next request.
                self._linger()
                return
            self._refuse(
                HeadersTooSlow(f"the headers did not arrive within {limits.head_s:g} s: be faster")
            )

    def _sweep_unsent(self, now: float) -> None:
        """A client may take what is sent as slowly as it likes, if it takes something."""
        transport, limits = self._transport, self._limits
        if transport is None:
            return
        before, self._unsent = self._unsent, transport.get_write_buffer_size()
        if self._unsent < before:
            if self._full_since is not None:
                self._full_since = now
            if self._phase is Phase.LINGERING:
                self._since = now
        since = self._since if self._full_since is None else self._full_since
        if not self._unsent:
            if now - since > LINGER_S:
                self._drop()
        elif now - since > limits.send_s:
            logger.info("a client took nothing for %g s: its answer is cut", limits.send_s)
            self._drop()

    def _sweep_body(self, now: float) -> None:
        limits = self._limits
        if now - self._since > limits.body_s:
            self._refuse(
                BodyTooSlow(f"the body did not arrive within {limits.body_s:g} s: send it faster")
            )
        elif now - self._touched > limits.body_silence_s:
            self._refuse(
                BodyTooSlow(f"nothing of the body came for {limits.body_silence_s:g} s: send it")
            )

    # --- inside

    def _feed(self, data: bytes) -> None:
        rest = self._parse(data)
        while rest is not None:
            self._parse(self._stay())
            if self._refusal is not None or not rest:
                return
            rest = self._parse(rest)

    def _parse(self, data: bytes | memoryview) -> memoryview | None:
        """Cut requests out of bytes; returns what follows an offer of another protocol."""
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            return memoryview(data)[upgrade.args[0] :]
        except HttpParserCallbackError as error:
            cause = error.__context__
            if isinstance(cause, _Ended):
                return None
            if not isinstance(cause, RequestError):
                logger.exception("a request could not be read")
                cause = InternalError("the transformer failed; its log says why")
            self._refuse(cause)
        except HttpParserError as error:
            self._refuse(InvalidRequest(f"this is no HTTP/1.1: {error}"))
        return None

    def _stay(self) -> bytes:
        """Go on with HTTP/1.1 although the client offers another protocol (RFC 9110, 7.8).

        llhttp skips the body of such a request. A second parser reads it, after the head that is
        returned.
        """
        head = self._head
        assert head is not None  # noqa: S101  # an offer is told of after its head
        self._parser = HttpRequestParser(self)
        self._reread = True
        framing = b""
        if head.chunked:
            framing = b"transfer-encoding: chunked\r\n"
        elif head.length:
            framing = b"content-length: %d\r\n" % head.length
        return b"POST / HTTP/1.1\r\nhost: x\r\n" + framing + b"\r\n"

    def _begin_body(self) -> None:
        head = self._head
        assert head is not None  # noqa: S101  # set just before
        self._phase = Phase.BODY
        self._since = self._touched
        self._raw = 0
        if head.expects and self._reply is None:
            self.send(CONTINUE)

    def _next(self) -> None:
        """Have requests answered, one after another, as long as each is answered at once."""
        if self._handling:
            return
        self._handling = True
        while self._waiting and self._reply is None and self._full_since is None:
            request, reply = self._waiting.popleft()
            self._reply = reply
            try:
                self._server.handler.handle(request, reply)
            except Exception:
                logger.exception("a request could not be taken")
                reply.cut()
            if reply.ended:
                reply.let_go()
        self._handling = False
        if self._reply is not None or self._full_since is not None:
            return
        if self._phase is Phase.LINGERING:
            return
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif self._server.closing and self._phase <= Phase.IDLE:
            self._linger()

    def _check_raw(self) -> None:
        if self._phase is Phase.HEAD:
            if self._raw > self._limits.head_bytes:
                self._refuse(self._head_too_large())
        elif self._phase is Phase.BODY:
            bound = self._limits.head_bytes + self._size * (1 + CHUNK_OVERHEAD)
            if self._raw > bound:
                self._refuse(InvalidRequest("the body's chunks are smaller than their framing"))

    def _check_ahead(self) -> None:
        if self._refusal is None and (self._reply is not None or self._waiting):
            self._refuse(self._too_far_ahead())

    def _refuse(self, error: RequestError) -> None:
        """Answer with an error after what is in front, and read no further request."""
        if self._phase is Phase.LINGERING:
            return
        self._refusal = error
        self._drop_body()
        if self._reply is not None or self._waiting or self._transport is None:
            return
        reply = self._reply = Reply(self, head_only=False, old=False, close=True)
        reply.refuse(error, self._target.decode("latin-1"))

    def _linger(self) -> None:
        """Say that no more will come, and let the client be the one who closes.

        What still waits is not run: its answer could not be sent.
        """
        if self._transport is None or self._phase is Phase.LINGERING:
            return
        unread = self._refusal is not None or self._phase > Phase.IDLE
        self._phase = Phase.LINGERING
        self._drop_unanswered()
        self._since = self._loop.time()
        if unread and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _drop_unanswered(self) -> None:
        """Forget what has not been given to the handler."""
        self._drop_body()
        for _, reply in self._waiting:
            reply.let_go()
        self._waiting.clear()

    def _drop_body(self) -> None:
        self.let_go(self._size)
        self._pieces, self._size = [], 0

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _too_far_ahead(self) -> Overloaded:
        return Overloaded(
            f"over {MAX_WAITING} requests or {MAX_AHEAD_BYTES} bytes were sent ahead on one "
            "connection: wait for answers, or use more connections",
            retry_after_s=1.0,
        )

    def _too_much_held(self) -> Unavailable:
        return Unavailable(
            f"bodies of over {self._limits.held_body_bytes} bytes are read and answered now: try "
            "again, or start the transformer with a larger --max-held-body-bytes",
            retry_after_s=1.0,
        )

    def _head_too_large(self) -> HeadersTooLarge:
        return HeadersTooLarge(
            f"the request's headers are over {self._limits.head_bytes} bytes: send fewer"
        )

    def _body_too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the request's body is over {self._limits.body_bytes} bytes: shorten it, or start "
            "the transformer with a larger --max-body-bytes"
        )
