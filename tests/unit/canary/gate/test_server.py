"""A server is asked again only where nothing was generated, and no longer than it may take."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight_canary.gate.address import Address
from pilotlight_canary.gate.answer import Answer, Failure
from pilotlight_canary.gate.failures import of_error, of_response, pause_s
from pilotlight_canary.gate.judge import Judge
from pilotlight_canary.gate.prompt import CHAT, Prompt
from pilotlight_canary.gate.server import Server

OPENAI = '{"error": {"message": "loading", "type": "unavailable"}}'
RESET = "upstream connect error or disconnect/reset before headers. reset reason: "
Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server that answers everything by one function."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "headers", "body", "is_safe"),
    [
        (429, {"retry-after": "2"}, OPENAI, True),
        (503, {}, OPENAI, True),
        (503, {"retry-after": "1"}, "", True),
        (503, {}, RESET + "remote connection failure, transport failure reason", True),
        (503, {}, "no healthy upstream", True),
        (502, {}, "dial tcp 10.0.0.1:8080: connect: connection refused", True),
        (404, {}, "", True),
        (503, {}, RESET + "connection termination", False),
        (502, {}, "unexpected EOF", False),
        (404, {}, OPENAI, False),
        (500, {}, OPENAI, False),
        (504, {}, OPENAI, False),
        (400, {}, OPENAI, False),
        (200, {}, "hm", False),
    ],
)
def test_only_what_did_not_reach_the_model_is_asked_again(
    status: int, headers: dict[str, str], body: str, is_safe: bool
) -> None:
    assert of_response(status, headers, body).nothing_generated == is_safe


@given(st.integers(100, 599), st.text(), st.text())
def test_any_response_is_a_failure_that_can_be_shown(status: int, wait: str, body: str) -> None:
    found = of_response(status, {"retry-after": wait}, body)
    assert found.kind == f"HTTP {status}"
    assert len(found.message) <= 300
    assert 0.5 <= pause_s(1, found) <= 30


def test_a_connection_that_broke_may_have_carried_the_request() -> None:
    assert of_error(httpx.ConnectError("refused")).nothing_generated
    assert not of_error(httpx.ReadError("reset")).nothing_generated
    assert not of_error(httpx.RemoteProtocolError("closed")).nothing_generated


async def test_the_host_header_asks_a_gateway_for_a_host() -> None:
    async def hosts(request: web.Request) -> web.Response:
        return web.json_response({"host": request.host, "priority": request.headers["x-priority"]})

    async with serving(hosts) as gateway:
        address = Address.through(gateway, "http://chat-canary.models.svc.cluster.local")
        async with Server(address) as server:
            found = await server.call("GET", "/")
    assert found == {"host": "chat-canary.models.svc.cluster.local", "priority": "batch"}


async def test_a_server_that_turns_requests_away_is_asked_until_the_deadline() -> None:
    calls = 0

    async def full(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        if calls < 3:
            return web.json_response({"error": {"message": "full"}}, status=429)
        return web.json_response({"answer": calls})

    async with serving(full) as url, Server(Address(url)) as server:
        assert await server.call("GET", "/") == {"answer": 3}
        calls = -100
        async with Server(Address(url), attempts=2) as hasty:
            assert isinstance(await hasty.call("GET", "/"), Failure)
        async with Server(Address(url), request_s=0.3) as busy:
            assert await busy.call("GET", "/") == Failure("no answer in 0.3 s")


async def test_a_request_has_a_deadline_and_the_server_is_told_of_it() -> None:
    told = ""

    async def sleeping(request: web.Request) -> web.Response:
        nonlocal told
        told = request.headers["x-request-deadline-ms"]
        await asyncio.sleep(60)
        return web.Response()

    async with serving(sleeping) as url, Server(Address(url), request_s=0.4) as server:
        before = time.monotonic()
        found = await server.call("POST", "/", {})
        assert time.monotonic() - before < 5
    assert (found, told) == (Failure("no answer in 0.4 s"), "400")


async def test_no_more_requests_run_at_a_time_than_allowed() -> None:
    running, most = 0, 0

    async def counting(request: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return web.json_response({})

    async with serving(counting) as url, Server(Address(url), concurrency=3) as server:
        await asyncio.gather(*[server.call("GET", "/") for _ in range(12)])
    assert most == 3


async def test_what_is_no_answer_is_a_failure() -> None:
    async def hm(request: web.Request) -> web.Response:
        return (
            web.json_response({"choices": []}) if request.path == CHAT else web.Response(text="hm")
        )

    async with serving(hm) as url, Server(Address(url)) as server:
        reply = await server.ask(Prompt("a", CHAT, {}), {})
        assert isinstance(reply, Failure)
        assert reply.kind == "unreadable answer"
        assert isinstance(await server.served_model(), Failure)


@pytest.mark.parametrize("url", ["http://[::1", "http://a b"])
async def test_an_address_that_cannot_be_is_said_at_once_or_fails(url: str) -> None:
    try:
        async with Server(Address(url), attempts=1) as server:
            assert isinstance(await server.call("GET", "/"), Failure)
    except UsageError as error:
        assert "cannot be asked" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("words", "score", "different"),
    [
        (("SAME. Both Paris.", "SAME"), 1.0, False),
        (("DIFFERENT: Rome.", "SAME"), 0.5, False),
        (("SAME", "DIFFERENT: Rome."), 0.5, False),
        (("DIFFERENT: Rome.", "DIFFERENT: Rome."), 0.0, True),
    ],
)
async def test_a_judge_is_asked_in_both_orders(
    words: tuple[str, str], score: float, different: bool
) -> None:
    asked: list[str] = []

    async def judging(request: web.Request) -> web.Response:
        body = await request.json()
        asked.append(body["messages"][1]["content"])
        message = {"role": "assistant", "content": words[len(asked) - 1]}
        return web.json_response({"choices": [{"message": message}]})

    prompt = Prompt("a", CHAT, {"messages": [{"role": "user", "content": "Capital?"}]})
    async with serving(judging) as url, Server(Address(f"{url}/v1"), is_outside=True) as server:
        found = await Judge(server, "wise").judge(prompt, Answer("Paris"), Answer("It is Paris"))
        assert (found.score, found.different) == (score, different)
        assert asked[0].index('"Paris"') < asked[0].index('"It is Paris"')
        assert asked[1].index('"It is Paris"') < asked[1].index('"Paris"')
        again = await Judge(server, "wise").judge(prompt, Answer("Paris"), Answer(" Paris"))
        assert not again.different
    assert len(asked) == 2, "the same words need no judge"
