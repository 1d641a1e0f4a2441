"""What the transformer answers itself: health, and its metrics."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum

from pilotlight.errors import InternalError, MethodNotAllowed, RouteNotFound, Unavailable
from pilotlight_transformer.http.head import Head
from pilotlight_transformer.http.reply import Reply

logger = logging.getLogger(__name__)

Metrics = Callable[[], bytes | Awaitable[bytes]]

_JSON = ((b"content-type", b"application/json"),)
_TEXT = ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),)
_LIVE = {b"/": b'{"status": "alive"}', b"/v2/health/live": b'{"live": true}'}
_READY = frozenset({b"/v2/health/ready", b"/health"})
_METRICS = b"/metrics"
_ALL = _READY | {*_LIVE, _METRICS}


class Phase(StrEnum):
    """Where in its life the process is."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class OwnRoutes:
    """Health by phase, and metrics for those who ask directly.

    Attributes:
        phase: Only ``READY`` is ready.
    """

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.phase = Phase.STARTING
        self._metrics = metrics
        self._asked: set[asyncio.Task[None]] = set()

    def answers(self, path: bytes) -> bool:
        """Whether this path is one of them."""
        return path in _ALL

    def check_open(self) -> None:
        """Refuse calls while there is no pipeline.

        Raises:
            Unavailable: The process is starting.
        """
        if self.phase is Phase.STARTING:
            raise Unavailable("the transformer is starting: ask again soon", retry_after_s=1.0)

    def answer(self, head: Head, reply: Reply) -> None:
        """Answer one of the paths."""
        path = head.path
        shown = path.decode("ascii")
        if head.method not in {b"GET", b"HEAD"}:
            reply.refuse(MethodNotAllowed(f"{shown} takes GET"), shown)
        elif path in _LIVE:
            reply.send_whole(200, _JSON, _LIVE[path])
        elif path in _READY:
            ready = self.phase is Phase.READY
            body = b'{"ready": %b}' % (b"true" if ready else b"false")
            reply.send_whole(200 if ready else 503, _JSON, body)
        elif self._metrics is None or head.forwarded:
            # Behind a gateway this path would show everybody what all tenants do.
            reply.refuse(RouteNotFound("no such route here"), shown)
        else:
            task = asyncio.get_running_loop().create_task(self._show(self._metrics, reply))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)

    async def _show(self, metrics: Metrics, reply: Reply) -> None:
        try:
            text = metrics()
            body = text if isinstance(text, bytes) else await text
        except Exception:
            logger.exception("the metrics cannot be shown")
            reply.refuse(InternalError("the metrics cannot be shown; the log says why"), "/metrics")
            return
        reply.send_whole(200, _TEXT, body)
