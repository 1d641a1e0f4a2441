"""From a request that was read to the pipeline, and back."""

import asyncio
import logging
import random
import re
import time
from collections.abc import Sequence
from functools import lru_cache, partial

from pilotlight.errors import InternalError, InvalidRequest, RequestError
from pilotlight.http_error import error_body
from pilotlight.telemetry import bound_request_id
from pilotlight_transformer.forward.forwarder import Forwarder
from pilotlight_transformer.forward.onward import deadline_of
from pilotlight_transformer.http.reply import REQUEST_ID, Reply
from pilotlight_transformer.http.request import Request
from pilotlight_transformer.inflight import InFlight, Running
from pilotlight_transformer.observer import Observer
from pilotlight_transformer.own_routes import OwnRoutes
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.event import DONE
from pilotlight_transformer.pipeline.headers import Pair
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.pipeline.route import match
from pilotlight_transformer.pipeline.step import Outcome

logger = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_match = lru_cache(maxsize=512)(match)
MAX_REMEMBERED = 256
"""Longest path whose route is remembered, in bytes."""


class Gateway:
    """Makes calls of requests, and sees each to its end.

    Args:
        forwarder: To the predictors.
        own: What the transformer answers itself.
        observers: Told of every call.
    """

    def __init__(
        self, forwarder: Forwarder, own: OwnRoutes, observers: Sequence[Observer] = ()
    ) -> None:
        self._forwarder = forwarder
        self._own = own
        self._observers = tuple(observers)
        self._loop = asyncio.get_running_loop()
        self.inflight = InFlight(Pipeline(()))

    def handle(self, request: Request, reply: Reply) -> None:
        """Begin to answer a request; raises nothing."""
        head = request.head
        if self._own.answers(head.path):
            self._own.answer(head, reply)
            return
        path, request_id = "", ""
        try:
            method = "GET" if head.method == b"HEAD" else head.method.decode("ascii")
            known = len(head.path) <= MAX_REMEMBERED
            matched = (_match if known else match)(method, head.path)
            path = matched.path
            request_id = _request_id(head.headers.get(REQUEST_ID))
            call = Call(
                route=matched.route,
                method=method,
                path=path,
                headers=head.headers,
                body=request.body,
                query=head.query,
                arrived_at=time.monotonic(),
                request_id=request_id,
                path_name=matched.name,
                peer=reply.peer,
            )
            deadline_of(call)
            self._own.check_open()
        except RequestError as error:
            path = path or head.path.decode("latin-1")
            reply.refuse(error, path, _identified(request_id))
            return
        self._run(call, reply)

    def _run(self, call: Call, reply: Reply) -> None:
        running = self.inflight.begin(call)
        pipeline = running.pipeline
        for observer in self._observers:
            observer.began(call)
        reply.on_data = partial(self._passing, call)
        if pipeline.steps:
            reply.request_id = call.request_id.encode("latin-1")
            exchange = pipeline.open(call, self._forwarder, reply)
            running.exchange = exchange
            work = self._exchange(running, call, reply)
        else:
            work = self._relay(running, call, reply)
        running.task = self._loop.create_task(work)
        reply.on_left = running.client_left

    async def _exchange(self, running: Running, call: Call, reply: Reply) -> None:
        running.started = True
        exchange = running.exchange
        assert exchange is not None  # noqa: S101  # set by the only caller
        try:
            with bound_request_id(call.request_id):
                await exchange.run()
        finally:
            self._ended(running, call, reply, exchange.outcome)

    async def _relay(self, running: Running, call: Call, reply: Reply) -> None:
        """Without steps: the predictor's answer as it is."""
        running.started = True
        outcome = running.outcome
        try:
            response = await self._forwarder.respond(call, plain=False)
            outcome.status = response.status
            try:
                whole = response.whole()
                if whole is not None:
                    reply.send_whole(response.status, response.headers, whole)
                else:
                    reply.send_head(response.status, response.headers, response.length)
                    reply.source = response
                    await response.relay(reply)
                    reply.send_end()
            finally:
                reply.source = None
                response.close()
        except RequestError as error:
            self._fail(call, reply, outcome, error)
        except asyncio.CancelledError:
            outcome.cancelled = True
            raise
        except Exception:
            logger.exception("a request failed inside the transformer")
            self._fail(call, reply, outcome, InternalError("the transformer failed"))
        finally:
            call.ended = True
            self._ended(running, call, reply, outcome)

    def _fail(self, call: Call, reply: Reply, outcome: Outcome, error: RequestError) -> None:
        outcome.error = error.code
        if not reply.begun:
            outcome.status = error.status
            reply.refuse(error, call.path, _identified(call.request_id))
            return
        outcome.cut = True
        call.facts.finish_reason = "error"
        if reply.streams:
            reply.send_piece(b"data: " + error_body(error, "/v1/chat/completions") + b"\n\n")
            reply.send_piece(b"data: " + DONE + b"\n\n")
            reply.send_end()
        else:
            reply.cut()

    def _ended(self, running: Running, call: Call, reply: Reply, outcome: Outcome) -> None:
        if not reply.ended:
            # Cancelled, or failed while it was being ended: the client must not wait for more.
            reply.cut()
        reply.let_go()
        self.inflight.end(running)
        for observer in self._observers:
            observer.ended(call, outcome)

    def _passing(self, call: Call, status: int, data: bytes) -> None:
        if call.facts.first_byte_at is None:
            call.facts.first_byte_at = time.monotonic()
        for observer in self._observers:
            observer.passing(call, status, data)


def _request_id(given: bytes | None) -> str:
    """The client's name for its request, or one that is made.

    Raises:
        InvalidRequest: It is not printable, or too long.
    """
    if given is None:
        # Unique is enough: nothing is kept safe by it.
        return f"{random.getrandbits(128):032x}"
    name = given.decode("latin-1")
    if _REQUEST_ID.fullmatch(name) is None:
        raise InvalidRequest(
            "header x-request-id: use 1 to 128 printable ASCII characters", param="x-request-id"
        )
    return name


def _identified(request_id: str) -> list[Pair]:
    return [(REQUEST_ID, request_id.encode("latin-1"))] if request_id else []
