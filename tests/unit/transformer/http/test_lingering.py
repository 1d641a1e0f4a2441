"""How a connection ends on which no further request is taken."""

import asyncio
import logging

import pytest

from tests.unit.transformer.fronting import Front, RawAnswer, RawClient, request, until
from tests.unit.transformer.stub_predictor import StubPredictor, StubRequest, stream, whole

LARGE = b'{"x": "' + b"a" * 12_000_000 + b'"}'
STEPS = "- ratelimit:\n    tenant:\n      tokens: {rate: 100/s, burst: 100000}"


async def _read_later(client: RawClient, pause_s: float) -> RawAnswer:
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(pause_s)
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    return await client.answer()


async def test_what_follows_a_last_request_does_not_keep_its_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(request: StubRequest) -> None:
        await asyncio.sleep(0.3)
        await whole(LARGE)(request)

    async with StubPredictor(script) as stub, Front(stub.target, STEPS) as front:
        async with await front.client() as client:
            client.write(request(body={"model": "m"}, connection="close"))
            await until(lambda: stub.requests)
            client.write(request(body={"model": "m"}))
            answer = await _read_later(client, 1.0)
            assert answer.body == LARGE
            assert await client.ended() == b""
            await until(lambda: len(front.http) == 0)
        assert len(stub.requests) == 1
    assert [seen for seen in caplog.records if seen.levelno >= logging.ERROR] == []


async def test_what_waits_is_not_asked_for_when_the_answer_in_front_was_the_last() -> None:
    before = asyncio.Event()

    async def script(request: StubRequest) -> None:
        await before.wait()
        await whole(LARGE)(request)

    async with StubPredictor(script) as stub, Front(stub.target, STEPS) as front:
        async with await front.client() as client:
            client.write(request(body={"model": "m"}) * 2)
            await until(lambda: stub.requests)
            front.http.stop_accepting()
            before.set()
            answer = await _read_later(client, 0.5)
            assert answer.header("connection") == "close"
            assert answer.body == LARGE
            assert await client.ended() == b""
        await until(lambda: len(front.http) == 0)
        assert len(stub.requests) == 1


async def test_what_comes_in_one_piece_with_a_last_request_is_not_run() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            await until(lambda: len(front.http) == 1)
            front.http.closing = True
            client.write(request("/") + request(body={}) * 3)
            assert (await client.answer()).header("connection") == "close"
            assert await client.ended() == b""
        await until(lambda: len(front.http) == 0)
        assert stub.requests == []


async def test_a_stream_that_began_before_the_drain_is_followed_by_one_last_answer() -> None:
    before = asyncio.Event()
    async with (
        StubPredictor(stream("a", "b", before=before)) as stub,
        Front(stub.target) as front,
        await front.client() as client,
    ):
        client.write(request(body={"stream": True}) + request("/") * 2)
        assert (await client.head()).header("connection") is None
        front.http.stop_accepting()
        before.set()
        while await client.piece():
            pass
        assert (await client.answer()).header("connection") == "close"
        assert await client.ended() == b""
