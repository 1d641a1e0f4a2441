"""The server's side of all clients' connections."""

import asyncio
import contextlib
import socket

from pilotlight.errors import RequestError, Unavailable
from pilotlight_transformer.http.connection import ServerConnection
from pilotlight_transformer.http.limits import Limits
from pilotlight_transformer.http.request import Handler

SWEEP_S = 0.5
BACKLOG = 2048


class HttpServer:
    """Accepts connections, keeps count of them, and holds them to their times.

    One look at all connections now and then stands for timers of each.

    Attributes:
        closing: No further requests are taken; answers say ``connection: close``.
        held_bytes: Of all bodies that are being read, wait, or belong to a call.
    """

    def __init__(self, handler: Handler, limits: Limits) -> None:
        self.handler = handler
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.closing = False
        self.held_bytes = 0
        self._connections: set[ServerConnection] = set()
        self._servers: list[asyncio.Server] = []
        self._sweeping: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self, listener: socket.socket) -> None:
        """Accept connections of a socket that listens."""
        self._servers.append(
            await self.loop.create_server(
                lambda: ServerConnection(self), sock=listener, backlog=BACKLOG
            )
        )
        if self._sweeping is None:
            self._sweeping = self.loop.create_task(self._sweep())

    def stop_accepting(self) -> None:
        """Take no new connection, and end those without a request."""
        self.closing = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.close_if_idle()

    async def close(self) -> None:
        """End every connection at once."""
        self.stop_accepting()
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping
        for connection in list(self._connections):
            connection.abort()

    def joined(self, connection: ServerConnection) -> RequestError | None:
        """Count a connection; returns why it is not served."""
        self._connections.add(connection)
        if len(self._connections) > self.limits.connections:
            return Unavailable(
                f"over {self.limits.connections} connections are open: try again, or raise "
                "--max-connections",
                retry_after_s=1.0,
            )
        return None

    def left(self, connection: ServerConnection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    async def _sweep(self) -> None:
        limits = self.limits
        shortest = min(limits.head_s, limits.body_silence_s, limits.keep_alive_s, limits.send_s)
        while True:
            await asyncio.sleep(min(SWEEP_S, shortest / 4))
            now = self.loop.time()
            for connection in list(self._connections):
                connection.sweep(now)
