"""What goes on with a request, and what is told to the steps about its answer."""

import pytest

from tests.unit.transformer.fronting import CHAT, Front, lines, request
from tests.unit.transformer.stub_predictor import StubPredictor, never, whole

TENANT = "- tests.unit.transformer.forward.steps:TenantStep"
LOOKING = "- tests.unit.transformer.forward.steps:LookingStep"


async def test_trace_priority_and_id_go_on() -> None:
    sent = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "a=b",
        "x_request_id": "mine-1",
        "x_priority": "batch",
    }
    async with StubPredictor() as stub, Front(stub.target) as front:
        await front.ask(body={}, **sent)
        for name, value in sent.items():
            assert stub.last.header(name.replace("_", "-")) == value
        assert stub.last.header("host") == f"127.0.0.1:{stub.port}"


async def test_a_request_without_an_id_gets_one_of_its_own() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        await front.ask(body={})
        await front.ask(body={})
        first, second = (seen.header("x-request-id") for seen in stub.requests)
        assert first
        assert second
        assert first != second


@pytest.mark.parametrize("value", ["with space", "x" * 129, "t\u00e4g", ""])
async def test_an_id_that_cannot_be_written_down_is_refused(value: str) -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        answer = await front.ask(body={}, x_request_id=value)
        assert answer.status == 400
        assert answer.document["error"]["param"] == "x-request-id"
        assert stub.requests == []


async def test_an_answer_of_the_pipeline_bears_the_requests_id() -> None:
    async with StubPredictor() as stub, Front(stub.target, LOOKING) as front:
        assert (await front.ask(body={}, x_request_id="a")).header("x-request-id") == "a"
        stub.script = whole(x_request_id="theirs")
        assert (await front.ask(body={}, x_request_id="a")).header("x-request-id") == "theirs"


async def test_a_clients_tenant_goes_on_until_somebody_knows_better() -> None:
    async with StubPredictor() as stub:
        async with Front(stub.target) as front:
            await front.ask(body={}, x_tenant_id="other", authorization="Bearer secret")
            assert stub.last.header("x-tenant-id") == "other"
            assert stub.last.header("authorization") == "Bearer secret"
        async with Front(stub.target, TENANT) as front:
            await front.ask(body={}, x_tenant_id="other", authorization="Bearer secret")
            assert stub.last.header("x-tenant-id") == "acme"
            assert stub.last.header("authorization") is None


async def test_a_client_cannot_take_the_tenant_away_by_naming_it_in_connection() -> None:
    async with StubPredictor() as stub, Front(stub.target, TENANT) as front:
        data = lines(
            f"POST {CHAT} HTTP/1.1",
            "host: front",
            "connection: x-tenant-id, x-request-id, content-length",
            "content-length: 2",
            body=b"{}",
        )
        assert (await front.send(data)).status == 200
        assert stub.last.header("x-tenant-id") == "acme"
        assert stub.last.header("x-request-id")
        assert stub.last.body == b"{}"


async def test_the_deadline_goes_on_shortened_and_ends_the_call() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        assert (await front.ask(body={}, x_request_deadline_ms="5000")).status == 200
        assert 3000 < float(stub.last.header("x-request-deadline-ms") or 0) <= 5000
        stub.script = never
        answer = await front.ask(body={}, x_request_deadline_ms="200")
        assert (answer.status, answer.code) == (504, "deadline_exceeded")


async def test_the_deadline_ends_a_stream_with_an_error_event() -> None:
    from tests.unit.transformer.stub_predictor import stream

    async with StubPredictor(stream("a", end="hang")) as stub, Front(stub.target) as front:
        answer = await front.ask(body={"stream": True}, x_request_deadline_ms="300")
        assert answer.events[-2]["error"]["code"] == "deadline_exceeded"


@pytest.mark.parametrize("value", ["soon", "-1", "0", "nan", "inf", "1e99"])
async def test_a_deadline_that_is_none_is_refused(value: str) -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        assert (await front.ask(body={}, x_request_deadline_ms=value)).status == 400
        assert stub.requests == []


async def test_the_query_goes_on_as_it_came() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        await front.ask("/v1/models?a=%20&b=c&&d")
        assert stub.last.path == "/v1/models?a=%20&b=c&&d"


async def test_headers_of_the_predictors_connection_stay_there() -> None:
    script = whole(
        connection="keep-alive, x-inner", x_inner="1", keep_alive="timeout=5", x_kept="2"
    )
    async with StubPredictor(script) as stub, Front(stub.target) as front:
        answer = await front.ask(body={})
        assert {name for name, _ in answer.headers} == {
            "content-type",
            "x-kept",
            "content-length",
        }


async def test_a_predictor_that_wants_its_connection_closed_gets_another_one() -> None:
    async with StubPredictor(whole(connection="close")) as stub, Front(stub.target) as front:
        async with await front.client() as client:
            for _ in range(3):
                client.write(request(body={}))
                assert (await client.answer()).header("connection") is None
        assert stub.connections == 3
