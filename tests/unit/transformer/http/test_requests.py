"""How requests are cut out of connections, and how long and large they may be."""

import asyncio
import time

from pilotlight_transformer.http.limits import Limits
from tests.unit.transformer.fronting import CHAT, Front, lines, request, statuses, until
from tests.unit.transformer.stub_predictor import (
    STREAM_HEAD,
    StubPredictor,
    StubRequest,
    chunk,
    event,
    stream,
    whole,
)

LINE = f"POST {CHAT} HTTP/1.1"
HOST = "host: front"


async def test_a_connection_serves_one_request_after_another() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            for number in range(3):
                client.write(request(body={"number": number}))
                answer = await client.answer()
                assert answer.status == 200
                assert answer.header("connection") is None
        assert [seen.document["number"] for seen in stub.requests] == [0, 1, 2]
        assert stub.connections == 1


async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    async def script(request: StubRequest) -> None:
        await asyncio.sleep(0.05 if request.document["number"] == 0 else 0)
        await whole(request.body)(request)

    async with StubPredictor(script) as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(b"".join(request(body={"number": number}) for number in range(17)))
            answers = [(await client.answer()).document["number"] for _ in range(17)]
        assert answers == list(range(17))


async def test_a_fault_in_what_was_sent_ahead_waits_for_the_answers_in_front() -> None:
    async with (
        StubPredictor(stream("a", "b", pause_s=0.05)) as stub,
        Front(stub.target) as front,
        await front.client() as client,
    ):
        client.write(request(body={"stream": True}) + b"NONSENSE\r\n\r\n")
        first, second = await client.answer(), await client.answer()
        assert first.whole
        assert first.events[-1] == "[DONE]"
        assert second.status == 400
        assert await client.ended() == b""


async def test_a_head_in_single_bytes_and_a_body_in_chunks_arrive_whole() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            body = b'{"a": 1}'
            for piece in lines(LINE, HOST, "transfer-encoding: chunked"):
                client.write(bytes([piece]))
                await asyncio.sleep(0)
            for piece in body:
                client.write(chunk(bytes([piece])))
                await asyncio.sleep(0)
            client.write(b"0\r\n\r\n")
            assert (await client.answer()).status == 200
        assert stub.last.body == body
        assert stub.last.header("content-length") == str(len(body))
        assert stub.last.header("transfer-encoding") is None


async def test_head_is_answered_like_get_without_the_body() -> None:
    async with StubPredictor(whole(b'{"object": "list"}')) as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(request("/v1/models", method="HEAD") + request("/v1/models"))
            head = await client.answer(bodyless=True)
            get = await client.answer()
        assert (head.status, head.headers) == (get.status, get.headers)
        assert head.header("content-length") == "18"
        assert [seen.line.split()[0] for seen in stub.requests] == ["GET", "GET"]


async def test_who_waits_to_send_its_body_is_told_to_go_on() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(lines(LINE, HOST, "expect: 100-continue", "content-length: 2"))
            assert (await client.head()).status == 100
            client.write(b"{}")
            assert (await client.answer()).status == 200
        assert stub.last.header("expect") is None


async def test_a_body_over_the_limit_is_refused_before_it_is_sent() -> None:
    limits = Limits(body_bytes=2000)
    async with StubPredictor() as stub, Front(stub.target, limits=limits) as front:
        async with await front.client() as client:
            client.write(lines(LINE, HOST, "expect: 100-continue", "content-length: 2001"))
            answer = await client.answer()
            assert answer.status == 413
            assert answer.code == "body_too_large"
            assert await client.ended() == b""
        async with await front.client() as client:
            client.write(lines(LINE, HOST, "transfer-encoding: chunked") + chunk(b"x" * 2001))
            assert (await client.answer()).status == 413
        assert (await front.ask(body=b'"' + b"x" * 1998 + b'"')).status == 200
        assert len(stub.requests) == 1


async def test_a_client_that_sends_on_regardless_still_sees_why_it_was_refused() -> None:
    limits = Limits(body_bytes=2000)
    async with (
        StubPredictor() as stub,
        Front(stub.target, limits=limits) as front,
        await front.client() as client,
    ):
        client.write(lines(LINE, HOST, "content-length: 3000000") + b"x" * 3_000_000)
        assert (await client.answer()).code == "body_too_large"


async def test_a_head_over_the_limit_is_refused() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        many = [f"x-{number}: {'v' * 1000}" for number in range(70)]
        answer = await front.send(lines(LINE, HOST, *many, "content-length: 0"))
        assert answer.status == 431
        async with await front.client() as client:
            client.write(f"{LINE}\r\n{HOST}\r\nx-endless: ".encode())
            writing = asyncio.ensure_future(_drip(client.writer, b"v" * 8192, 0))
            assert (await client.answer()).code == "headers_too_large"
            writing.cancel()
        assert stub.requests == []


async def test_a_body_whose_framing_outweighs_it_is_refused() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(lines(LINE, HOST, "transfer-encoding: chunked"))
            one = b"1;" + b"e" * 4000 + b"\r\nx\r\n"
            writing = asyncio.ensure_future(_drip(client.writer, one, 0))
            assert (await client.answer()).status == 400
            writing.cancel()
        assert stub.requests == []


async def _drip(writer: asyncio.StreamWriter, data: bytes, pause_s: float) -> None:
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause_s)


async def test_slow_headers_are_refused() -> None:
    limits = Limits(head_s=0.3)
    async with (
        StubPredictor() as stub,
        Front(stub.target, limits=limits) as front,
        await front.client() as client,
    ):
        client.write(f"{LINE}\r\n{HOST}\r\n".encode())
        writing = asyncio.ensure_future(_drip(client.writer, b"x-a: 1\r\n", 0.05))
        assert (await client.answer()).code == "headers_too_slow"
        writing.cancel()


async def test_a_new_connection_on_which_nothing_comes_ends_without_a_word() -> None:
    async with (
        StubPredictor() as stub,
        Front(stub.target, limits=Limits(head_s=0.3)) as front,
        await front.client() as client,
    ):
        assert await client.ended() == b""


async def test_a_body_that_stops_coming_is_refused() -> None:
    limits = Limits(body_silence_s=0.3)
    async with StubPredictor() as stub, Front(stub.target, limits=limits) as front:
        async with await front.client() as client:
            client.write(lines(LINE, HOST, "content-length: 10") + b"{")
            assert (await client.answer()).code == "body_too_slow"
            assert await client.ended() == b""
        assert stub.requests == []


async def test_a_body_that_comes_byte_by_byte_forever_is_refused() -> None:
    limits = Limits(body_silence_s=0.4, body_s=0.8)
    async with (
        StubPredictor() as stub,
        Front(stub.target, limits=limits) as front,
        await front.client() as client,
    ):
        client.write(lines(LINE, HOST, "content-length: 10000"))
        writing = asyncio.ensure_future(_drip(client.writer, b" ", 0.02))
        begun = time.monotonic()
        assert (await client.answer()).code == "body_too_slow"
        assert time.monotonic() - begun > 0.7
        writing.cancel()


async def test_an_idle_connection_is_ended_and_a_waiting_one_is_not() -> None:
    limits = Limits(keep_alive_s=0.3, head_s=0.3, body_silence_s=0.3)
    async with StubPredictor(stream("a", "b", pause_s=1.0)) as stub:
        async with Front(stub.target, limits=limits) as front, await front.client() as client:
            client.write(request(body={"stream": True}))
            assert (await client.answer()).whole
            assert await client.ended() == b""
        assert len(stub.requests) == 1


async def test_clients_over_the_limit_are_sent_away() -> None:
    async with StubPredictor() as stub, Front(stub.target, limits=Limits(connections=2)) as front:
        first, second = await front.client(), await front.client()
        await until(lambda: len(front.http) == 2)
        async with await front.client() as third:
            answer = await third.answer()
            assert answer.status == 503
            assert answer.header("retry-after") == "1"
        second.leave()
        await until(lambda: len(front.http) == 1)
        assert (await front.ask(body={})).status == 200
        first.leave()


async def test_an_old_client_gets_its_stream_up_to_the_end_of_the_connection() -> None:
    async with StubPredictor(stream("a", "b")) as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(lines(f"POST {CHAT} HTTP/1.0", "content-length: 2", body=b"{}"))
            answer = await client.answer()
        assert answer.header("transfer-encoding") is None
        assert answer.header("connection") == "close"
        assert answer.events[-1] == "[DONE]"


async def test_who_asks_for_it_gets_the_connection_closed() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front, await front.client() as client:
        client.write(request("/v1/models", connection="close"))
        assert (await client.answer()).header("connection") == "close"
        assert await client.ended() == b""


async def test_a_client_that_reads_nothing_holds_up_the_predictor_and_not_the_memory() -> None:
    sent = 0

    async def flood(request: StubRequest) -> None:
        nonlocal sent
        request.write(STREAM_HEAD)
        piece = chunk(event("x" * 10_000))
        for _ in range(4000):
            request.write(piece)
            await request.writer.drain()
            sent += len(piece)
        request.write(b"0\r\n\r\n")

    async with StubPredictor(flood) as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.write(request(body={"stream": True}))
            await until(lambda: sent > 0)
            while True:
                before = sent
                await asyncio.sleep(0.3)
                if sent == before:
                    break
            # What lies in the kernel's buffers on the way, and little more.
            assert sent < 20_000_000
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
            answer = await client.answer()
        assert answer.whole
        assert len(answer.events) == 4000


async def test_a_client_that_never_reads_is_cut() -> None:
    limits = Limits(send_s=0.4)
    data = whole(b"x" * 200_000)
    async with StubPredictor(data) as stub, Front(stub.target, limits=limits) as front:
        async with await front.client() as client:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(100):
                client.write(request(body={}))
            await until(lambda: len(front.http) == 1)
            await until(lambda: len(front.http) == 0)
        assert len(stub.requests) < 100


async def test_own_answers_and_refusals_keep_the_connection() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            for path in ("/v2/health/ready", "/nowhere", "/v1/models", "/", "/v1/chat/completions"):
                client.write(request(path))
            answers = [await client.answer() for _ in range(5)]
        assert statuses(answers) == [200, 404, 200, 200, 405]
