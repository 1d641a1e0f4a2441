"""Requests that a client sends ahead, before the one in front is answered."""

import asyncio

import pytest

from tests.unit.transformer.fronting import CHAT, Front, lines, request, until
from tests.unit.transformer.stub_predictor import StubPredictor, never, stream

AHEAD = {
    "many": request("/v1/models") * 40,
    "a body after many": request("/v1/models") * 16 + request("/v1/models", body={}),
    "a long one": request(body={"text": "x" * 400_000}),
    "an unfinished long one": request(body={"text": "x" * 400_000})[:-1],
    "a long one in chunks": lines(
        f"POST {CHAT} HTTP/1.1", "host: front", "transfer-encoding: chunked"
    )
    + (b"2000\r\n" + b"x" * 0x2000 + b"\r\n") * 50,
}


async def test_as_many_as_may_wait_are_answered_and_what_follows_is_refused() -> None:
    before = asyncio.Event()
    async with (
        StubPredictor(stream("a", "b", before=before)) as stub,
        Front(stub.target) as front,
        await front.client() as client,
    ):
        client.write(request(body={"stream": True}) + request("/") * 1500)
        await until(lambda: stub.requests)
        (connection,) = front.http._connections
        assert len(connection._waiting) == 16
        before.set()
        answers = [await client.answer() for _ in range(18)]
        assert [answer.status for answer in answers] == [200] * 17 + [429]
        assert answers[-1].header("connection") == "close"
        assert answers[-1].code == "overloaded"
        assert await client.ended() == b""


async def test_what_a_client_sends_while_its_answers_are_not_taken_is_bounded_too() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front, await front.client() as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.write(request("/") * 400_000)
        await until(lambda: front.http._connections)
        (connection,) = front.http._connections
        await until(lambda: connection._refusal is not None)
        assert len(connection._waiting) <= 16


@pytest.mark.parametrize("ahead", AHEAD)
async def test_a_client_that_leaves_is_noticed_however_much_it_has_sent_ahead(ahead: str) -> None:
    async with StubPredictor(never) as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(request(body={}))
            await until(lambda: stub.requests)
            client.write(AHEAD[ahead])
            (connection,) = front.http._connections
            await until(lambda: connection._refusal or len(connection._waiting) == 16)
        await until(stub.requests[0].gone.is_set)
        await until(lambda: not front.gateway.inflight)
        assert len(stub.requests) == 1


async def test_many_short_requests_that_are_answered_at_once_are_all_answered() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front, await front.client() as client:
        client.write(request("/") * 400)
        assert [(await client.answer()).status for _ in range(400)] == [200] * 400


async def test_any_number_of_offers_to_upgrade_is_passed_over() -> None:
    offer = lines("GET / HTTP/1.1", "host: front", "connection: upgrade", "upgrade: h2c")
    async with StubPredictor() as stub, Front(stub.target) as front, await front.client() as client:
        client.write(offer * 600)
        assert [(await client.answer()).status for _ in range(600)] == [200] * 600
