"""uvicorn as this server wants it: our signals, our sockets, and no endless headers."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pilotlight.errors import HeadersTooLarge, HeadersTooSlow, RequestError, UsageError
from pilotlight.http_error import error_body, error_headers
from pilotlight_predictor.front import Front
from pilotlight_predictor.settings import PredictorSettings

MAX_HEAD_BYTES = 64 * 2**10
"""Largest request line and headers together; h11 and nginx draw the line near there too."""

_BACKLOG = 2048


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 with bounds on a request's headers.

    A deadline, for a client that sends byte by byte, and a size: httptools keeps whatever comes.
    """

    header_timeout_s = 10.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._header_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._begun = False
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._header_timer is None:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadersTooLarge(f"the headers are over {MAX_HEAD_BYTES} bytes"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._headers_came()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._headers_came()
        self._header_timer = self.loop.call_later(self.header_timeout_s, self._give_up)

    def _headers_came(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        if self._begun:
            self._refuse(HeadersTooSlow("the headers did not arrive in time: send them faster"))
        else:
            self.transport.close()

    def _refuse(self, error: RequestError) -> None:
        self._headers_came()
        if self.transport.is_closing():
            return
        body = error_body(error, "/")
        headers = b"".join(b"%s: %s\r\n" % header for header in error_headers(error, body))
        phrase = HTTPStatus(error.status).phrase.encode()
        status = b"HTTP/1.1 %d %s\r\n" % (error.status, phrase)
        self.transport.write(status + headers + b"\r\n" + body)
        self.transport.close()


class HttpServer(uvicorn.Server):
    """Serves the front until told to stop; never touches signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(settings: PredictorSettings) -> socket.socket:
    """Take the HTTP port.

    Raises:
        UsageError: The port is taken, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.http_host, settings.http_port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"--http-port: cannot listen on {settings.http_host}:{settings.http_port} "
            f"({error.strerror}): choose another port"
        ) from None
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def build_http_server(settings: PredictorSettings, front: Front) -> HttpServer:
    """Make the server; start it with ``serve(sockets=[...])``."""
    protocol = type("Protocol", (PatientProtocol,), {"header_timeout_s": settings.header_timeout_s})
    config = uvicorn.Config(
        front,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=settings.timeout_keep_alive,
        ssl_certfile=settings.ssl_certfile,
        ssl_keyfile=settings.ssl_keyfile,
    )
    return HttpServer(config)
