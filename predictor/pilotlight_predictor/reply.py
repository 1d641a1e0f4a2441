"""The answer on its way out."""

from collections.abc import Awaitable, Callable

from pilotlight.errors import RequestError
from pilotlight.http_error import Header, error_body, error_headers
from pilotlight.http_headers import REVISION
from pilotlight_predictor.body import Message
from pilotlight_predictor.inflight import InFlight
from pilotlight_predictor.request import REQUEST_ID_HEADER, RequestContext

Send = Callable[[Message], Awaitable[None]]

_CLOSE: Header = (b"connection", b"close")


class Reply:
    """Holds the start of an answer back until the first part of its body.

    A request that is refused while it waits for its turn still gets a real status, not an
    error inside a stream with 200.

    Args:
        send: ASGI's.
        path: Whose protocol shapes an error.
        inflight: Whether the server drains.
        revision: Named in the headers of every answer; none outside Knative.
    """

    def __init__(self, send: Send, path: str, inflight: InFlight, revision: str = "") -> None:
        self._send = send
        self._path = path
        self._inflight = inflight
        self._revision: list[Header] = [(REVISION, revision.encode())] if revision else []
        self._held: Message | None = None
        self._started = False
        self._replaced = False
        self.context: RequestContext | None = None
        self.code = "none"

    async def send(self, message: Message) -> None:
        """ASGI's ``send`` for the application inside."""
        if self._started:
            if not self._replaced:
                await self._send(message)
            return
        if message["type"] == "http.response.start":
            self._held = message
            return
        if self.context is not None and self.context.failure is not None:
            self._replaced = True
            await self.fail(self.context.failure)
            return
        await self._release()
        await self._send(message)

    async def _release(self) -> None:
        if self._held is None:
            raise RuntimeError("an ASGI application sent a body before its start")
        start, self._held = self._held, None
        headers = list(start.get("headers", ()))
        if self.context is not None:
            headers.append((REQUEST_ID_HEADER.encode(), self.context.request_id.encode()))
        if self._inflight.draining:
            headers.append(_CLOSE)
        headers.extend(self._revision)
        self._started = True
        self.code = str(start["status"])
        await self._send({**start, "headers": headers})

    async def fail(self, error: RequestError) -> bool:
        """Answer with an error; tell whether that was possible.

        An answer under way stays cut: the server ends its connection.
        """
        if self._started:
            return False
        self._started = True
        self.code = str(error.status)
        body = error_body(error, self._path)
        request_id = self.context.request_id if self.context is not None else None
        headers = error_headers(error, body, request_id)
        if self._inflight.draining and _CLOSE not in headers:
            headers.append(_CLOSE)
        headers.extend(self._revision)
        await send_whole(self._send, error.status, headers, body)
        return True


async def send_whole(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
