"""The front: what a client sees of a request that is cut at the end of the grace period."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pilotlight.clock import SystemClock
from pilotlight_predictor.front import Application, Front
from pilotlight_predictor.health.routes import HealthRoutes
from pilotlight_predictor.inflight import InFlight
from pilotlight_predictor.scope import RequestScope
from pilotlight_predictor.settings import PredictorSettings
from pilotlight_predictor.state import Lifecycle
from pilotlight_predictor.tracing import NoTracing

START = {"type": "http.response.start", "status": 200, "headers": []}
PART = {"type": "http.response.body", "body": b"one", "more_body": True}


class Call:
    """One request to a front around ``application``."""

    def __init__(self, application: Application) -> None:
        self.inflight = InFlight()
        self.inflight.open()
        scope = RequestScope(self.inflight, "x-tenant-id", SystemClock())
        self._front = Front(
            PredictorSettings.model_validate({}), HealthRoutes(Lifecycle()), self.inflight, scope
        )
        self._front.mount(lambda path: (application, path), NoTracing())
        self.sent: list[Any] = []

    async def run(self) -> None:
        scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": []}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message: Any) -> None:
            self.sent.append(message)

        await self._front(scope, receive, send)


async def _cut(*messages: dict[str, Any]) -> tuple[Call, asyncio.Task[None]]:
    reached = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        for message in messages:
            await send(message)
        reached.set()
        await asyncio.Event().wait()

    call = Call(application)
    task = asyncio.create_task(call.run())
    await reached.wait()
    call.inflight.draining = True
    call.inflight.cut()
    await asyncio.wait([task])
    return call, task


@pytest.mark.parametrize("messages", [(), (START,)])
async def test_a_cut_request_without_an_answer_gets_503_and_connection_close(
    messages: tuple[dict[str, Any], ...],
) -> None:
    call, task = await _cut(*messages)
    assert not task.cancelled()
    assert call.sent[0]["status"] == 503
    assert (b"connection", b"close") in call.sent[0]["headers"]
    assert len(call.inflight) == 0


async def test_a_cut_stream_ends_without_its_last_part() -> None:
    call, task = await _cut(START, PART)
    assert task.cancelled()
    assert [message["type"] for message in call.sent] == [START["type"], PART["type"]]
    assert call.sent[0]["status"] == 200
