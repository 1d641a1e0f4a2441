"""The pipeline's port ``Upstream``: asks predictors over HTTP/1.1."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from pilotlight.errors import BadGateway, NotSupported, Overloaded, Unavailable
from pilotlight.http_headers import REVISION
from pilotlight_transformer.forward.health import AlwaysHealthy, TargetHealth, tell
from pilotlight_transformer.forward.onward import (
    body_for,
    deadline_of,
    onward_headers,
    past_deadline,
    path_for,
    render_request,
)
from pilotlight_transformer.forward.pool import Unreachable
from pilotlight_transformer.forward.pools import Pools
from pilotlight_transformer.forward.response import Broken, Response
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.target import Target

_SICK = frozenset({502, 503})
"""Answers by which a predictor says that it cannot."""
_REPEATABLE = frozenset({Route.EMBEDDINGS, Route.TOKENIZE})
"""POSTs that may be made twice, as every GET may: they change nothing and cost little."""


class Forwarder:
    """Sends calls on to predictors.

    Args:
        pools: Of connections.
        default: Whom a call asks that names no targets.
        health: Told of every answer, and asked before every question.
    """

    def __init__(self, pools: Pools, default: Target, health: TargetHealth | None = None) -> None:
        self._pools = pools
        self._default = (default,)
        self._health = health or AlwaysHealthy()

    async def ask(self, call: Call) -> Answer:
        """Ask on behalf of a pipeline with steps. See :class:`Upstream`."""
        response = await self.respond(call, plain=True)
        coding = response.headers.get(b"content-encoding")
        if coding is not None and coding.strip().lower() != b"identity":
            response.close()
            raise BadGateway("the predictor's answer is compressed, which no step can read")
        if not response.is_stream and (whole := response.whole()) is not None:
            return Answer(response.status, response.headers, whole)
        return Answer(response.status, response.headers, response)

    async def respond(self, call: Call, *, plain: bool) -> Response:
        """Ask the call's targets, in order, until one answers.

        Args:
            call: The request.
            plain: Steps read the answer.

        Raises:
            RequestError: None of them did.
        """
        if call.over_grpc:
            raise NotSupported("a gRPC call cannot go on over HTTP/1.1")
        deadline = deadline_of(call)
        if deadline is None:
            return await self._first_of(call, call.targets or self._default, plain=plain)
        wait_s = deadline - time.monotonic()
        if wait_s <= 0:
            raise past_deadline()
        try:
            async with asyncio.timeout(wait_s):
                response = await self._first_of(call, call.targets or self._default, plain=plain)
        except TimeoutError:
            raise past_deadline() from None
        if not response.complete:
            left_s = deadline - time.monotonic()
            response.end_by(asyncio.get_running_loop().time() + left_s, past_deadline())
        return response

    async def _first_of(self, call: Call, targets: Sequence[Target], *, plain: bool) -> Response:
        failure: Unavailable | Overloaded | None = None
        asked: Response | None = None
        for target in targets:
            if not self._health.allows(target.name):
                continue
            if asked is not None:
                asked.close()
                asked = None
            try:
                asked = await self._ask_one(call, target, plain=plain)
            except (Unavailable, Overloaded) as error:
                tell(self._health, target.name, error)
                failure = error
            except BaseException as error:
                tell(self._health, target.name, error)
                raise
            else:
                call.facts.upstream = target.name
                call.facts.revision = asked.headers.text(REVISION)
                if asked.status not in _SICK:
                    self._health.succeeded(target.name)
                    asked.on_broken = partial(self._health.failed, target.name)
                    return asked
                self._health.failed(target.name)
        if asked is not None:
            return asked
        raise failure or Unavailable(
            "no predictor takes requests now: those that serve this model failed a moment ago",
            retry_after_s=1.0,
        )

    async def _ask_one(self, call: Call, target: Target, *, plain: bool) -> Response:
        headers = onward_headers(call, time.monotonic(), plain=plain)
        data = render_request(
            call.method,
            path_for(call, target),
            call.query,
            target.host_header,
            headers,
            body_for(call, target),
        )
        pool, budget = self._pools.of(target)
        budget.request()
        connection = pool.idle()
        if connection is None:
            try:
                connection = await pool.take()
            except Unreachable:
                if not budget.take():
                    raise
                connection = await pool.take()
        response = connection.send(data)
        try:
            return await _headed(response)
        except Broken as error:
            repeatable = call.method == "GET" or call.route in _REPEATABLE
            if not (connection.used and error.unanswered and repeatable and budget.take()):
                raise
        connection = await pool.take(fresh=True)
        return await _headed(connection.send(data))


async def _headed(response: Response) -> Response:
    """The response, when its head is there."""
    try:
        await response.ready
    except BaseException:
        response.close()
        raise
    return response
