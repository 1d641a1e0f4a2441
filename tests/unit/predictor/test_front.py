"""The front before any engine, behind a real HTTP server on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pilotlight.clock import SystemClock
from pilotlight.errors import Overloaded
from pilotlight_predictor.front import Front
from pilotlight_predictor.health.routes import HealthRoutes, Verdict
from pilotlight_predictor.http_server import bind, build_http_server
from pilotlight_predictor.inflight import InFlight
from pilotlight_predictor.request import current_request
from pilotlight_predictor.scope import RequestScope
from pilotlight_predictor.settings import PredictorSettings
from pilotlight_predictor.state import Lifecycle, State
from pilotlight_predictor.tracing import NoTracing

Inner = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Server:
    client: httpx.AsyncClient
    port: int
    lifecycle: Lifecycle
    health: HealthRoutes
    inflight: InFlight


@asynccontextmanager
async def serving(
    inner: Inner | None = None, revision: str = "", **settings: Any
) -> AsyncIterator[Server]:
    chosen = PredictorSettings(http_host="127.0.0.1", http_port=0, **settings)
    lifecycle, inflight = Lifecycle(), InFlight()
    health = HealthRoutes(lifecycle)
    scope = RequestScope(inflight, "x-tenant-id", SystemClock())
    front = Front(chosen, health, inflight, scope, revision)
    if inner is not None:
        front.mount(lambda path: (inner, path), NoTracing())
        inflight.open()
        lifecycle.move(State.WARMING, "")
        lifecycle.move(State.READY, "")
    listener = bind(chosen)
    port = listener.getsockname()[1]
    server = build_http_server(chosen, front)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield Server(client, port, lifecycle, health, inflight)
    server.should_exit = server.force_exit = True
    await task


async def echo(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def test_health_is_answered_before_there_is_any_protocol() -> None:
    async with serving() as server:
        live = await server.client.get("/v2/health/live")
        ready = await server.client.get("/v2/health/ready")
        metrics = await server.client.get("/metrics")
        refused = await server.client.post("/v1/completions", json={})
    assert live.json() == {"live": True, "state": "loading"}
    assert ready.status_code == 503
    assert ready.json()["state"] == "loading"
    assert "pilotlight_predictor_state" in metrics.text
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"


async def test_readiness_follows_state_liveness_and_gpus() -> None:
    async with serving(echo) as server:
        assert (await server.client.get("/health")).status_code == 200
        server.health.gpu = lambda: Verdict(False, "GPU 0: too hot")
        assert (await server.client.get("/health")).json()["reason"] == "GPU 0: too hot"
        assert (await server.client.get("/v2/health/live")).status_code == 200
        server.health.liveness = lambda: Verdict(False, "stuck")
        assert (await server.client.get("/v2/health/live")).status_code == 503
        server.lifecycle.move(State.FAILED, "the engine died")
        assert (await server.client.get("/v2/health/live")).json()["reason"] == "the engine died"


async def test_every_answer_carries_the_requests_id() -> None:
    async with serving(echo) as server:
        given = await server.client.post("/x", content=b"1", headers={"x-request-id": "mine"})
        made = await server.client.post("/x", content=b"1")
    assert given.headers["x-request-id"] == "mine"
    assert len(made.headers["x-request-id"]) == 32


async def test_every_answer_names_the_revision_that_made_it() -> None:
    async with serving(echo, revision="chat-00007") as server:
        good = await server.client.post("/x", content=b"1")
        server.inflight.close("it drains")
        refused = await server.client.post("/x", content=b"1")
    assert good.status_code == 200
    assert refused.status_code == 503
    assert {given.headers["x-pilotlight-revision"] for given in (good, refused)} == {"chat-00007"}


async def test_without_a_revision_none_is_named() -> None:
    async with serving(echo) as server:
        given = await server.client.post("/x", content=b"1")
    assert "x-pilotlight-revision" not in given.headers


async def test_a_body_over_the_limit_is_refused_declared_or_not() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 1024

    async with serving(echo, max_body_bytes=4096) as server:
        whole = await server.client.post("/v1/completions", content=b"x" * 4096)
        declared = await server.client.post("/v1/completions", content=b"x" * 4097)
        chunked = await server.client.post("/v2/models/m/infer", content=chunks())
    assert whole.status_code == 200
    assert declared.status_code == 413
    assert declared.json()["error"]["code"] == "body_too_large"
    assert chunked.status_code == 413
    assert isinstance(chunked.json()["error"], str)
    assert declared.headers["connection"] == "close"


async def test_a_slow_body_and_slow_headers_get_408() -> None:
    async with serving(echo, body_timeout_s=0.2, header_timeout_s=0.2) as server:

        async def answer_to(first: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(first)
            try:
                return await asyncio.wait_for(reader.read(), 5)
            finally:
                writer.close()

        body = await answer_to(b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1")
        headers = await answer_to(b"POST /x HTTP/1.1\r\nhost: x\r\n")
        silence = await answer_to(b"")
        after = await server.client.post("/x", content=b"1")
    assert body.startswith(b"HTTP/1.1 408 ")
    assert headers.startswith(b"HTTP/1.1 408 ")
    assert silence == b""
    assert after.status_code == 200


async def test_a_refusal_deep_inside_a_stream_becomes_its_status() -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        context = current_request.get()
        assert context is not None
        await send({"type": "http.response.start", "status": 200, "headers": []})
        context.fail(Overloaded("too much waits", retry_after_s=2.4))
        await send({"type": "http.response.body", "body": b"data: ...", "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]"})

    async with serving(refusing) as server:
        answer = await server.client.post("/v1/completions", content=b"{}")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3"
    assert answer.json()["error"]["message"] == "too much waits"


async def test_a_failure_inside_shows_no_traceback() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("secret")

    async with serving(failing) as server:
        answer = await server.client.post("/v1/completions", content=b"{}")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert json.loads(answer.text)["error"]["type"] == "internal_error"


async def test_a_draining_server_asks_clients_to_connect_elsewhere() -> None:
    async with serving(echo) as server:
        before = await server.client.post("/x", content=b"1")
        server.inflight.draining = True
        during = await server.client.post("/x", content=b"1")
        server.inflight.close("the server is stopping")
        after = await server.client.post("/x", content=b"1")
    assert "connection" not in before.headers
    assert (during.status_code, during.headers["connection"]) == (200, "close")
    assert (after.status_code, after.headers["connection"]) == (503, "close")


@pytest.mark.parametrize("value", ["urgent", ""])
async def test_a_wrong_header_is_a_400_that_names_it(value: str) -> None:
    async with serving(echo) as server:
        answer = await server.client.post("/x", content=b"1", headers={"x-priority": value})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "x-priority"


async def test_one_log_line_a_request_when_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="pilotlight_predictor.front")
    for wanted in (False, True):
        async with serving(echo, enable_latency_logging=wanted) as server:
            await server.client.post("/v1/completions", content=b"secret")
        lines = [record.message for record in caplog.records if "completions" in record.message]
        assert len(lines) == wanted
    assert lines[0].startswith("POST /v1/completions: 200 in ")
    assert "secret" not in lines[0]
