"""The connections to one predictor."""

import asyncio
import logging
import ssl
from collections import deque

from pilotlight.errors import Overloaded, Unavailable
from pilotlight_transformer.forward.connection import UpstreamConnection
from pilotlight_transformer.forward.limits import UpstreamLimits

logger = logging.getLogger(__name__)


class Unreachable(Unavailable):
    """No connection could be opened: nothing of the request has been sent."""


class Pool:
    """Keeps connections for the next request, and opens no more than it may.

    Args:
        host: Of the predictor.
        port: Of the predictor.
        limits: For this predictor.
        tls: To speak TLS with, or nothing.
        name: That the predictor's certificate bears.
    """

    def __init__(
        self,
        host: str,
        port: int,
        limits: UpstreamLimits,
        *,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.limits = limits
        self._host = host
        self._port = port
        self._tls = tls
        self._name = name
        self._idle: list[UpstreamConnection] = []
        self._all: set[UpstreamConnection] = set()
        self._opening = 0
        self._closed = False
        self._waiting: deque[asyncio.Future[UpstreamConnection | None]] = deque()

    def __len__(self) -> int:
        return len(self._all) + self._opening

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return len(self._waiting)

    def idle(self) -> UpstreamConnection | None:
        """A connection that is open already: the one used last, which the others can outlive."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def take(self, *, fresh: bool = False) -> UpstreamConnection:
        """A connection to send one request on.

        Args:
            fresh: Open a new one, if the bound allows.

        Raises:
            Unreachable: It cannot be opened.
            Unavailable: None was free in time.
            Overloaded: Too many wait already.
        """
        if not fresh or len(self) >= self.limits.connections:
            while True:
                connection = self.idle()
                if connection is not None:
                    return connection
                if len(self) < self.limits.connections:
                    break
                waited = await self._wait()
                if waited is not None and waited.usable:
                    return waited
        return await self._open()

    async def _open(self) -> UpstreamConnection:
        if self._closed:
            self._let_one_in()
            raise _stopping()
        self._opening += 1
        try:
            async with asyncio.timeout(self.limits.connect_s):
                _, connection = await self.loop.create_connection(
                    lambda: UpstreamConnection(self),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._name if self._tls else None,
                )
        except (OSError, TimeoutError) as error:
            self._opening -= 1
            self._let_one_in()
            what = str(error) or f"not within {self.limits.connect_s:g} s"
            raise self._unreachable(what) from None
        except BaseException:
            self._opening -= 1
            self._let_one_in()
            raise
        self._opening -= 1
        if not connection.usable:
            self._let_one_in()
            raise self._unreachable("it ended the connection at once")
        self._all.add(connection)
        return connection

    def _unreachable(self, what: str) -> Unreachable:
        # Addresses inside the cluster are for the log alone.
        logger.warning("the predictor at %s:%d cannot be reached: %s", self._host, self._port, what)
        return Unreachable(
            "the predictor cannot be reached: try again; the transformer's log says why",
            retry_after_s=1.0,
        )

    async def _wait(self) -> UpstreamConnection | None:
        if len(self._waiting) >= self.limits.waiting:
            raise Overloaded(
                f"{len(self._waiting)} requests wait for the predictor already: try again later",
                retry_after_s=1.0,
            )
        turn: asyncio.Future[UpstreamConnection | None] = self.loop.create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self.limits.wait_s):
                return await turn
        except TimeoutError:
            self._give_back(turn)
            raise Unavailable(
                f"no connection to the predictor was free within {self.limits.wait_s:g} s",
                retry_after_s=1.0,
            ) from None
        except asyncio.CancelledError:
            self._give_back(turn)
            raise

    def _give_back(self, turn: asyncio.Future[UpstreamConnection | None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif turn.done() and not turn.cancelled():
            connection = turn.result()
            if connection is not None and connection.usable:
                self.release(connection)
            else:
                self._let_one_in()

    def release(self, connection: UpstreamConnection) -> None:
        """Take a connection back whose answer is complete."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        connection.idle_since = self.loop.time()
        self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection has ended."""
        if connection in self._all:
            self._all.remove(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._let_one_in()

    def _let_one_in(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def sweep(self, now: float) -> None:
        """Hold the predictor to its times, and end connections that nobody has used for long."""
        for connection in list(self._all):
            connection.sweep(now)
        while self._idle and now - self._idle[0].idle_since > self.limits.idle_s:
            self._idle.pop(0).abort()

    def close(self) -> None:
        """End every connection, and open no other."""
        self._closed = True
        for connection in list(self._all):
            connection.give_up(_stopping())
        self._let_one_in()


def _stopping() -> Unavailable:
    return Unavailable("the transformer is stopping: ask again", retry_after_s=1.0)
