"""The ASGI application that meets every request: health, limits, state, then the protocols."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from pilotlight.errors import InternalError, RequestError, Unavailable
from pilotlight.telemetry import bound_request_id
from pilotlight_predictor.body import ClientGone, Message, Receive, read_body, replay
from pilotlight_predictor.health.routes import HealthRoutes
from pilotlight_predictor.inflight import InFlight
from pilotlight_predictor.metrics import HTTP_REQUESTS
from pilotlight_predictor.reply import Reply, Send, send_whole
from pilotlight_predictor.request import RequestContext
from pilotlight_predictor.scope import RequestScope
from pilotlight_predictor.settings import PredictorSettings
from pilotlight_predictor.tracing import NoTracing, Tracing

logger = logging.getLogger(__name__)

ADMIN_PREFIX = "/admin/"

Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Router(Protocol):
    """Chooses the application of a path."""

    def __call__(self, path: str) -> tuple[Application, str]:
        """Return the application and the path under which it knows the resource."""
        ...


class Front:
    """Answers health itself, whatever the state; lets the rest through within limits."""

    def __init__(
        self,
        settings: PredictorSettings,
        health: HealthRoutes,
        inflight: InFlight,
        request_scope: RequestScope,
        revision: str = "",
    ) -> None:
        self._settings = settings
        self._health = health
        self._inflight = inflight
        self._request_scope = request_scope
        self._revision = revision
        self._router: Router | None = None
        self._tracing: Tracing = NoTracing()

    def mount(self, router: Router, tracing: Tracing) -> None:
        """Put the protocols behind the front."""
        self._router, self._tracing = router, tracing

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = self._health.answer(scope["method"], scope["path"])
        if answer is not None:
            await send_whole(send, *answer)
            return
        reply = Reply(send, scope["path"], self._inflight, self._revision)
        try:
            await self._serve(scope, receive, reply)
        except RequestError as error:
            await reply.fail(error)
        except asyncio.CancelledError:
            # The end of the grace period: one that has no answer yet may be asked elsewhere.
            if not await reply.fail(Unavailable("the server is stopping: ask another one")):
                raise
        except ClientGone:
            logger.info("the client left before its request was whole")
        except Exception:
            logger.exception("a request failed inside the server")
            await reply.fail(InternalError("the server failed on this request; its log says why"))
        finally:
            HTTP_REQUESTS.labels(code=reply.code).inc()
            if self._settings.enable_latency_logging:
                _log_latency(scope, reply)

    async def _serve(self, scope: Message, receive: Receive, reply: Reply) -> None:
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        authenticate = not scope["path"].startswith(ADMIN_PREFIX)
        with self._request_scope(headers, authenticate=authenticate) as context:
            reply.context = context
            body = await read_body(
                receive,
                _content_length(headers),
                self._settings.max_body_bytes,
                self._settings.body_timeout_s,
            )
            await self._forward(scope, headers, context, replay(body, receive), reply)

    async def _forward(
        self,
        scope: Message,
        headers: Mapping[str, str],
        context: RequestContext,
        receive: Receive,
        reply: Reply,
    ) -> None:
        if self._router is None:
            raise InternalError("the server accepts requests before it has any protocol")
        application, path = self._router(scope["path"])
        with self._tracing.server_span(path, headers, context) as traced:
            encoded = [
                (key.encode("latin-1"), value.encode("latin-1")) for key, value in traced.items()
            ]
            inner = {**scope, "path": path, "raw_path": path.encode(), "headers": encoded}
            await application(inner, receive, reply.send)


def _log_latency(scope: Message, reply: Reply) -> None:
    context = reply.context
    if context is not None:
        milliseconds = 1000 * (time.monotonic() - context.arrived_s)
        with bound_request_id(context.request_id):
            logger.info(
                "%s %s: %s in %.0f ms", scope["method"], scope["path"], reply.code, milliseconds
            )


def _content_length(headers: Mapping[str, str]) -> int | None:
    value = headers.get("content-length")
    return int(value) if value is not None and value.isascii() and value.isdigit() else None
