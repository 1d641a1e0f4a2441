"""Streams: piece by piece, never ending in silence, and cancelled when nobody listens."""

import asyncio
import time

import pytest

from pilotlight_transformer.forward.limits import UpstreamLimits
from tests.unit.transformer.forward.steps import OUTCOMES, SEEN
from tests.unit.transformer.fronting import CHAT, Front, RawAnswer, request, until
from tests.unit.transformer.stub_predictor import (
    DONE,
    STREAM_HEAD,
    StubPredictor,
    StubRequest,
    chunk,
    event,
    head,
    never,
    stream,
    whole,
)

LOOKING = "- tests.unit.transformer.forward.steps:LookingStep"
WANTING = "- tests.unit.transformer.forward.steps:WantingStep"
PIPELINES = pytest.mark.parametrize("pipeline", [None, LOOKING], ids=["empty", "with a step"])


async def ask_stream(front: Front) -> RawAnswer:
    return await front.ask(body={"stream": True})


@PIPELINES
async def test_each_event_goes_out_before_the_next_one_comes(pipeline: str | None) -> None:
    more = asyncio.Event()
    async with (
        StubPredictor(stream("a", "b", before=more)) as stub,
        Front(stub.target, pipeline) as front,
        await front.client() as client,
    ):
        client.write(request(body={"stream": True}))
        assert (await client.head()).status == 200
        assert await client.piece() == event("a")
        more.set()
        rest = b""
        while piece := await client.piece():
            rest += piece
        assert rest == event("b") + DONE


@PIPELINES
@pytest.mark.parametrize("end", ["reset", "close"])
async def test_a_stream_that_breaks_off_ends_with_an_error_event(
    pipeline: str | None, end: str
) -> None:
    async with (
        StubPredictor(stream("a", "b", end=end)) as stub,
        Front(stub.target, pipeline) as front,
    ):
        answer = await ask_stream(front)
    assert answer.status == 200
    assert answer.whole
    *events, error, done = answer.events
    assert [found["choices"][0]["delta"]["content"] for found in events] == ["a", "b"]
    assert error["error"]["code"] == "bad_gateway"
    assert done == "[DONE]"


@PIPELINES
async def test_a_stream_that_falls_silent_ends_with_an_error_event(pipeline: str | None) -> None:
    async with (
        StubPredictor(stream("a", end="hang")) as stub,
        Front(stub.target, pipeline, upstream=UpstreamLimits(chunk_s=0.3)) as front,
    ):
        answer = await ask_stream(front)
        assert answer.events[-2]["error"]["code"] == "bad_gateway"
        await until(stub.last.gone.is_set)


@PIPELINES
async def test_a_stream_that_turns_to_nonsense_ends_with_an_error_event(
    pipeline: str | None,
) -> None:
    async def script(request: StubRequest) -> None:
        request.write(STREAM_HEAD + chunk(event("a")))
        await asyncio.sleep(0.05)
        request.write(b"NO CHUNK\r\n")
        await request.gone.wait()

    async with StubPredictor(script) as stub, Front(stub.target, pipeline) as front:
        answer = await ask_stream(front)
    assert answer.events[-2]["error"]["code"] == "bad_gateway"


@PIPELINES
async def test_an_answer_that_is_no_stream_and_breaks_off_is_not_completed(
    pipeline: str | None,
) -> None:
    async def script(request: StubRequest) -> None:
        request.write(head(200, content_type="text/plain", content_length=400_000) + b"x" * 300_000)
        await request.writer.drain()
        request.reset()

    async with StubPredictor(script) as stub, Front(stub.target, pipeline) as front:
        try:
            answer = await front.ask("/v1/models")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        assert answer.status == 502 or not answer.whole


@PIPELINES
async def test_a_client_that_leaves_takes_the_predictors_request_with_it(
    pipeline: str | None,
) -> None:
    async with (
        StubPredictor(stream("a", end="hang")) as stub,
        Front(stub.target, pipeline) as front,
    ):
        async with await front.client() as client:
            client.write(request(body={"stream": True}))
            await client.head()
            assert await client.piece() == event("a")
        left_at = time.monotonic()
        await asyncio.wait_for(stub.last.gone.wait(), 5)
        assert time.monotonic() - left_at < 1.0
        await until(lambda: not len(front.gateway.inflight))
        assert front.pools.connections() == 0


@PIPELINES
async def test_a_client_that_leaves_before_the_answer_begins_takes_it_too(
    pipeline: str | None,
) -> None:
    async with StubPredictor(never) as stub, Front(stub.target, pipeline) as front:
        async with await front.client() as client:
            client.write(request(body={}))
            await until(lambda: stub.requests)
        await asyncio.wait_for(stub.last.gone.wait(), 5)
        await until(lambda: not len(front.gateway.inflight))


@PIPELINES
async def test_a_client_that_leaves_at_once_leaves_nothing_behind(pipeline: str | None) -> None:
    async with StubPredictor(never) as stub, Front(stub.target, pipeline) as front:
        for _ in range(20):
            async with await front.client() as client:
                client.write(request(body={}))
                await client.writer.drain()
        await until(lambda: len(front.http) == 0)
        await until(lambda: not len(front.gateway.inflight))


async def test_a_step_that_wants_an_answer_gets_it_without_its_client() -> None:
    more = asyncio.Event()
    OUTCOMES.clear()
    async with (
        StubPredictor(stream("a", "b", before=more)) as stub,
        Front(stub.target, WANTING) as front,
    ):
        async with await front.client() as client:
            client.write(request(body={"stream": True}))
            assert (await client.head()).status == 200
            assert await client.piece() == event("a")
        await until(lambda: len(front.http) == 0)
        assert not stub.last.gone.is_set()
        more.set()
        await until(lambda: OUTCOMES)
        assert OUTCOMES[0].cancelled
        assert not OUTCOMES[0].cut


async def test_a_short_stream_in_one_packet_is_still_seen_by_the_steps() -> None:
    async def script(request: StubRequest) -> None:
        body = event("a") + DONE
        request.write(head(200, content_type="text/event-stream", content_length=len(body)) + body)

    SEEN.clear()
    async with StubPredictor(script) as stub, Front(stub.target, LOOKING) as front:
        answer = await ask_stream(front)
    assert answer.body == event("a") + DONE
    assert [event("a")] == SEEN


async def test_a_compressed_answer_that_no_step_could_read_is_refused() -> None:
    async with (
        StubPredictor(whole(b"\x1f\x8b", content_encoding="gzip")) as stub,
        Front(stub.target, LOOKING) as front,
    ):
        answer = await front.ask(body={}, accept_encoding="gzip")
        assert answer.code == "bad_gateway"
        assert stub.last.header("accept-encoding") is None


async def test_the_answer_is_the_predictors_to_the_byte_when_there_are_no_steps() -> None:
    body = b'{ "spaces" : "kept",\n "n":1.0, "\\u00e9": "\xc3\xa9" }'
    sent = b'{ "model" : "m", "x":1.00 }'
    async with (
        StubPredictor(whole(body, 418, x_own="Kept Case", server="uvicorn", date="today")) as stub,
        Front(stub.target) as front,
    ):
        answer = await front.ask(body=sent, x_custom="a", accept_encoding="gzip")
        assert answer.status == 418
        assert answer.body == body
        assert answer.headers == [
            ("content-type", "application/json"),
            ("x-own", "Kept Case"),
            ("server", "uvicorn"),
            ("date", "today"),
            ("content-length", str(len(body))),
        ]
        assert stub.last.body == sent
        assert stub.last.header("x-custom") == "a"
        assert stub.last.header("accept-encoding") == "gzip"


async def test_a_large_answer_keeps_its_length_and_its_bytes() -> None:
    body = bytes(range(256)) * 8000
    async with StubPredictor(whole(body)) as stub, Front(stub.target) as front:
        answer = await front.ask(body={})
    assert answer.header("content-length") == str(len(body))
    assert answer.body == body


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async def script(request: StubRequest) -> None:
        request.write(head(200, content_type="text/plain") + b"one ")
        await request.writer.drain()
        await asyncio.sleep(0.05)
        request.write(b"two")
        request.writer.close()

    async with StubPredictor(script) as stub, Front(stub.target) as front:
        answer = await front.ask(body={})
        assert (answer.body, answer.whole) == (b"one two", True)
        assert front.pools.connections() == 0


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_none(status: int) -> None:
    async def script(request: StubRequest) -> None:
        request.write(head(status, x_a="1"))

    async with (
        StubPredictor(script) as stub,
        Front(stub.target) as front,
        await front.client() as client,
    ):
        for _ in range(2):
            client.write(request("/v1/models"))
            assert (await client.answer()).status == status
        assert stub.connections == 1


async def test_word_in_between_is_not_taken_for_the_answer() -> None:
    async def script(request: StubRequest) -> None:
        request.write(head(103, link="</a>"))
        await asyncio.sleep(0.02)
        request.write(head(100))
        await whole(b'{"a": 1}')(request)

    async with StubPredictor(script) as stub, Front(stub.target) as front:
        answer = await front.ask(body={})
        assert answer.document == {"a": 1}
        assert answer.header("link") is None


async def test_a_predictors_second_answer_is_nobodys() -> None:
    async def script(request: StubRequest) -> None:
        if request.path == CHAT:
            await whole(b'{"a": 1}')(request)
            await request.writer.drain()
            await asyncio.sleep(0.05)
            request.write(head(200, content_length=4) + b"evil")
            await request.gone.wait()
        else:
            await whole(b'{"b": 2}')(request)

    async with StubPredictor(script) as stub, Front(stub.target) as front:
        assert (await front.ask(body={})).document == {"a": 1}
        await until(lambda: front.pools.connections() == 0)
        assert (await front.ask("/v1/models")).document == {"b": 2}
        assert stub.connections == 2


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
async def test_a_header_with_a_line_break_reaches_nobody(*, streaming: bool) -> None:
    pipeline = "- tests.unit.transformer.forward.steps:BrokenStep"
    script = stream("a") if streaming else whole()
    async with (
        StubPredictor(script) as stub,
        Front(stub.target, pipeline) as front,
        await front.client() as client,
    ):
        client.write(request(body={"stream": streaming}))
        assert await client.ended() == b""
        await until(lambda: not len(front.gateway.inflight))
