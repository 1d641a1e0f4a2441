"""A predictor's answer, as it comes."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from pilotlight.errors import BadGateway, RequestError
from pilotlight_transformer.forward.onward import ClientDeadline
from pilotlight_transformer.pipeline.answer import EVENT_STREAM
from pilotlight_transformer.pipeline.headers import Headers

if TYPE_CHECKING:
    from pilotlight_transformer.forward.connection import UpstreamConnection

WHOLE_BYTES = 256 * 2**10
"""An answer that says it is no longer is waited for whole."""
MAX_HELD_BYTES = 64 * 2**10
"""Of an answer whose reader is slow; the predictor is not read beyond."""


class Broken(BadGateway):
    """The predictor ended the connection, or spoke no HTTP.

    Attributes:
        unanswered: Not a byte of the answer had come.
    """

    def __init__(self, message: str, *, unanswered: bool) -> None:
        super().__init__(message)
        self.unanswered = unanswered


class Sink(Protocol):
    """Takes a body piece by piece; see :class:`~pilotlight_transformer.http.reply.Reply`."""

    def send_piece(self, data: bytes) -> None:
        """Take a piece."""
        ...


class Response:
    """Filled by the connection's side, emptied by the pipeline's or a sink.

    As an iterator it gives the body's pieces, and raises what the predictor broke off with. It is
    to be closed, however far it was read.

    Attributes:
        ready: Done when the head is there, and the whole body too if it is small.
        length: Of the body, if it was told.
        complete: All of it has come.
        on_broken: Called if the predictor breaks it off after its head; a client's deadline is no
            such thing.
    """

    __slots__ = (
        "_connection",
        "_done",
        "_error",
        "_held",
        "_loop",
        "_on_hold",
        "_pieces",
        "_sink",
        "_timer",
        "_waiter",
        "complete",
        "headers",
        "length",
        "on_broken",
        "ready",
        "status",
    )

    def __init__(self, connection: "UpstreamConnection", loop: asyncio.AbstractEventLoop) -> None:
        self._connection: UpstreamConnection | None = connection
        self._loop = loop
        self._pieces: list[bytes] = []
        self._held = 0
        self._on_hold = False
        self._error: RequestError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._done: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.on_broken: Callable[[], None] | None = None
        self.ready: asyncio.Future[None] = loop.create_future()
        self.status = 0
        self.headers = Headers()
        self.length: int | None = None
        self.complete = False

    # --- the pipeline's side

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of server-sent events."""
        kind = self.headers.get(b"content-type") or b""
        return kind.lower().startswith(EVENT_STREAM)

    def whole(self) -> bytes | None:
        """The body, if all of it is there; then there is nothing to iterate."""
        if not self.complete or self._error is not None:
            return None
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def __aiter__(self) -> "Response":
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._pieces:
                pieces, self._pieces = self._pieces, []
                self._held = 0
                if self._connection is not None:
                    self._connection.resume()
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if self._error is not None:
                raise self._error
            if self.complete:
                raise StopAsyncIteration
            self._waiter = self._loop.create_future()
            await self._waiter

    async def relay(self, sink: Sink) -> None:
        """Give the body to a sink as it comes; returns at its end.

        Raises:
            RequestError: The predictor broke off.
        """
        self._sink = sink
        self._pour(sink)
        if not self._on_hold:
            # It may have been paused before there was a sink.
            self.go_on()
        if not self.complete and self._error is None:
            self._done = self._loop.create_future()
            await self._done
        if self._error is not None:
            raise self._error

    def hold(self) -> None:
        """Read no more of it for now."""
        self._on_hold = True
        if self._connection is not None:
            self._connection.pause()

    def go_on(self) -> None:
        """Read on."""
        self._on_hold = False
        if self._connection is not None:
            self._connection.resume()

    def end_by(self, at: float, error: RequestError) -> None:
        """Break it off at a time of the loop's clock, unless it is complete by then."""
        if self._connection is not None:
            self._timer = self._loop.call_at(at, self._connection.give_up, error)

    async def aclose(self) -> None:
        """Nobody wants the rest."""
        self.close()

    def close(self) -> None:
        """Nobody wants the rest: the predictor sees its connection end."""
        connection, self._connection = self._connection, None
        self._stop_timer()
        if connection is not None:
            connection.abandon(self)

    # --- the connection's side

    def arrived(self, body: list[bytes]) -> None:
        """A read has brought these pieces of the body, or the end."""
        self._pieces += body
        if self._sink is not None:
            self._pour(self._sink)
            if self.complete:
                _settle(self._done)
            return
        if not self.ready.done():
            if self.complete or not self._comes_whole():
                self.ready.set_result(None)
        else:
            _settle(self._waiter)
        self._held += sum(map(len, body))
        if self._held > MAX_HELD_BYTES and self.ready.done() and self._connection is not None:
            self._connection.pause()

    def finished(self) -> None:
        """The connection has no more part in it."""
        self._connection = None
        self.complete = True
        self._stop_timer()

    def fail(self, error: RequestError) -> None:
        """It will not be completed."""
        if self.complete or self._error is not None:
            return
        self._connection = None
        self._error = error
        if not self.ready.done():
            self.ready.set_exception(error)
            # Whoever waited may have been cancelled in the meantime.
            self.ready.exception()
        elif self.on_broken is not None and not isinstance(error, ClientDeadline):
            self.on_broken()
        self._stop_timer()
        _settle(self._waiter)
        _settle(self._done)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _comes_whole(self) -> bool:
        return self.length is not None and self.length <= WHOLE_BYTES and not self.is_stream

    def _pour(self, sink: Sink) -> None:
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._held = 0
            sink.send_piece(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _settle(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
