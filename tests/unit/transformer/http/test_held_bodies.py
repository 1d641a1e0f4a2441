"""Bodies of all requests together have a bound."""

import asyncio

from pilotlight_transformer.http.limits import Limits
from tests.unit.transformer.fronting import CHAT, Front, lines, request, until
from tests.unit.transformer.stub_predictor import StubPredictor, StubRequest, never, whole

LIMITS = Limits(body_bytes=60_000, held_body_bytes=100_000)
BODY = b'"' + b"x" * 39_998 + b'"'
LINE = f"POST {CHAT} HTTP/1.1"


async def test_a_body_that_is_too_much_with_those_of_running_calls_is_refused() -> None:
    before = asyncio.Event()

    async def script(request: StubRequest) -> None:
        await before.wait()
        await whole()(request)

    async with StubPredictor(script) as stub, Front(stub.target, limits=LIMITS) as front:
        async with await front.client() as first, await front.client() as second:
            first.write(request(body=BODY))
            second.write(request(body=BODY))
            await until(lambda: len(stub.requests) == 2)
            refused = await front.ask(body=BODY)
            assert (refused.status, refused.header("retry-after")) == (503, "1")
            assert refused.code == "unavailable"
            assert refused.header("connection") == "close"
            assert front.http.held_bytes == 80_000
            before.set()
            assert (await first.answer()).status == 200
            assert (await second.answer()).status == 200
        assert (await front.ask(body=BODY)).status == 200
        assert front.http.held_bytes == 0
        assert len(stub.requests) == 3


async def test_bodies_that_are_still_being_read_count_too() -> None:
    async with StubPredictor() as stub, Front(stub.target, limits=LIMITS) as front:
        async with await front.client() as first, await front.client() as second:
            for client in (first, second):
                client.write(lines(LINE, "host: front", "content-length: 50000", body=BODY))
            await until(lambda: front.http.held_bytes == 80_000)
            assert (await front.ask(body=BODY)).status == 503
            assert (await front.ask(body={})).status == 200
            first.leave()
            await until(lambda: front.http.held_bytes == 40_000)
            assert (await front.ask(body=BODY)).status == 200
        await until(lambda: front.http.held_bytes == 0)


async def test_a_body_is_let_go_however_its_request_ends() -> None:
    limits = Limits(body_bytes=50_000, body_silence_s=0.3)
    short = lines(LINE, "host: front", "content-length: 45000", body=BODY)
    async with StubPredictor() as stub, Front(stub.target, limits=limits) as front:
        assert (await front.ask("/nowhere", BODY)).status == 404
        assert (await front.ask("/", BODY)).status in {200, 405}
        assert (await front.ask(body=BODY, x_request_id="a b")).status == 400
        assert front.http.held_bytes == 0
        assert (await front.send(short)).status == 408
        chunks = lines(LINE, "host: front", "transfer-encoding: chunked")
        assert (await front.send(chunks + (b"9c40\r\n" + BODY + b"\r\n") * 2)).status == 413
        nonsense = await front.send(chunks + b"9c40\r\n" + BODY + b"\r\nNONSENSE\r\n")
        assert nonsense.status == 400
        assert front.http.held_bytes == 0
        stub.script = never
        async with await front.client() as client:
            client.write(request(body=BODY) * 3 + short)
            await until(lambda: front.http.held_bytes == 160_000)
        await until(lambda: front.http.held_bytes == 0)
        async with await front.client() as client:
            client.write(request(body=BODY) * 2 + request(body=BODY + b" " * 20_000))
            await until(lambda: front.http.held_bytes == 80_000)
        await until(lambda: front.http.held_bytes == 0)
