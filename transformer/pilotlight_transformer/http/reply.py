"""One answer on its way to its client."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from pilotlight.errors import RequestError
from pilotlight.http_error import error_body, error_headers
from pilotlight_transformer.http.render import LAST_CHUNK, may_have_body, render_chunk, render_head
from pilotlight_transformer.pipeline.answer import EVENT_STREAM
from pilotlight_transformer.pipeline.headers import Headers, Pair

if TYPE_CHECKING:
    from pilotlight_transformer.http.connection import ServerConnection

REQUEST_ID = b"x-request-id"


class Source(Protocol):
    """Where a relayed body comes from: told to wait while the client takes nothing."""

    def hold(self) -> None:
        """Send nothing for now."""
        ...

    def go_on(self) -> None:
        """There is room again."""
        ...


class Reply:
    """Writes one answer; the pipeline's port ``Client``, and the same without waiting.

    What is written after the client has left goes nowhere.

    Attributes:
        on_left: Called once when the client leaves before the answer is complete.
        on_data: Called with the status and the body's bytes as they go out.
        request_id: Put into an answer of the pipeline that names none.
        streams: A stream of events has begun, and an event can be added to it.
        source: Told to wait while the client is slow.
        begun: A head has been sent.
        ended: The answer is complete, or never will be.
        held: Bytes of the request's body that the server counts until they are let go.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_head_only",
        "_old",
        "_status",
        "begun",
        "close",
        "ended",
        "held",
        "on_data",
        "on_left",
        "request_id",
        "source",
        "streams",
    )

    def __init__(
        self, connection: "ServerConnection", *, head_only: bool, old: bool, close: bool
    ) -> None:
        self._connection = connection
        self._head_only = head_only
        self._old = old
        self._chunked = False
        self._status = 0
        self.close = close
        self.begun = False
        self.ended = False
        self.held = 0
        self.streams = False
        self.request_id = b""
        self.on_left: Callable[[], None] | None = None
        self.on_data: Callable[[int, bytes], None] | None = None
        self.source: Source | None = None

    @property
    def peer(self) -> str:
        """The client's address."""
        return self._connection.peer

    def send_whole(self, status: int, headers: Iterable[Pair], body: bytes) -> None:
        """Send an answer in one write."""
        if self.ended:
            return
        close = self.close = self.close or self._connection.closing_soon
        head = render_head(status, headers, length=len(body), close=close)
        self.begun = True
        if self.on_data is not None:
            self.on_data(status, body)
        if body and not self._head_only and may_have_body(status):
            head += body
        self._connection.send(head)
        self._end()

    def send_head(self, status: int, headers: Headers, length: int | None = None) -> None:
        """Begin an answer; without a length it comes in chunks, or up to the connection's end."""
        if self.ended:
            return
        chunked = length is None and not self._old and may_have_body(status)
        if length is None and self._old:
            self.close = True
        self.close = self.close or self._connection.closing_soon
        head = render_head(status, headers, length=length, close=self.close, chunked=chunked)
        self._chunked = chunked
        self._status = status
        self.streams = length is None and _is_event_stream(headers)
        if not may_have_body(status):
            self._head_only = True
        self.begun = True
        self._connection.send(head)

    def send_piece(self, data: bytes) -> None:
        """Send a piece of the body."""
        if self.ended or not data:
            return
        if not self.begun:
            self.cut()
            return
        if self.on_data is not None:
            self.on_data(self._status, data)
        if not self._head_only:
            self._connection.send(render_chunk(data) if self._chunked else data)

    def send_end(self) -> None:
        """The answer is complete."""
        if self.ended:
            return
        if not self.begun:
            self.cut()
            return
        if self._chunked and not self._head_only:
            self._connection.send(LAST_CHUNK)
        self._end()

    def cut(self) -> None:
        """The answer stays incomplete, and the connection ends, which tells the client so."""
        if not self.ended:
            self.ended = True
            self._connection.abort()

    def refuse(self, error: RequestError, path: str, headers: Iterable[Pair] = ()) -> None:
        """Answer with an error in the shape that the path's clients know."""
        body = error_body(error, path)
        if error.closes_connection:
            self.close = True
        self.send_whole(error.status, [*error_headers(error, body), *headers], body)

    async def start(self, status: int, headers: Iterable[Pair]) -> None:
        """Begin an answer of unknown length."""
        self.send_head(status, self._identified(headers))

    async def write(self, data: bytes) -> None:
        """Send a piece; returns when there is room for another one."""
        self.send_piece(data)
        if self._connection.full:
            await self._connection.room()

    async def finish(self) -> None:
        """The answer is complete."""
        self.send_end()

    async def abort(self) -> None:
        """The answer cannot be completed, and its length tells the client so."""
        self.cut()

    async def whole(self, status: int, headers: Iterable[Pair], body: bytes) -> None:
        """Send an answer in one go; content-length is added."""
        self.send_whole(status, self._identified(headers), body)

    def let_go(self) -> None:
        """The request's body is needed no longer, by nobody; may be said more than once."""
        if self.held:
            self._connection.let_go(self.held)
            self.held = 0

    def left(self) -> None:
        """The connection is gone."""
        if not self.ended:
            self.ended = True
            if self.on_left is not None:
                self.on_left()

    def _identified(self, headers: Iterable[Pair]) -> Headers:
        named = Headers(headers)
        if self.request_id and REQUEST_ID not in named:
            named.pairs.append((REQUEST_ID, self.request_id))
        return named

    def _end(self) -> None:
        self.ended = True
        self._connection.answered(close=self.close)


def _is_event_stream(headers: Headers) -> bool:
    return (headers.get(b"content-type") or b"").lower().startswith(EVENT_STREAM)
