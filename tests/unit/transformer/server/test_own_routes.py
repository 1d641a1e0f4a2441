"""What the transformer answers itself, and to whom."""

import pytest

from pilotlight_transformer.own_routes import Phase
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.step import Outcome
from tests.unit.transformer.fronting import Front, lines, request
from tests.unit.transformer.stub_predictor import StubPredictor, stream, whole


async def test_health_follows_the_process_through_its_life() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        for phase, ready in (
            (Phase.STARTING, 503),
            (Phase.READY, 200),
            (Phase.DRAINING, 503),
        ):
            front.own.phase = phase
            for path in ("/v2/health/ready", "/health"):
                answer = await front.ask(path)
                assert (answer.status, answer.document) == (ready, {"ready": ready == 200})
            assert (await front.ask("/v2/health/live")).document == {"live": True}
            assert (await front.ask("/")).document == {"status": "alive"}
        assert stub.requests == []


async def test_no_call_is_taken_before_there_is_a_pipeline() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        front.own.phase = Phase.STARTING
        answer = await front.ask(body={})
        assert (answer.status, answer.code) == (503, "unavailable")
        front.own.phase = Phase.DRAINING
        assert (await front.ask(body={})).status == 200
        assert len(stub.requests) == 1


async def test_own_paths_take_get_alone() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        for path in ("/", "/health", "/metrics", "/v2/health/live"):
            assert (await front.ask(path, body={})).status == 405
        assert stub.requests == []


async def test_metrics_are_shown_to_those_who_ask_directly() -> None:
    async with (
        StubPredictor() as stub,
        Front(stub.target, metrics=lambda: b"some_total 1\n") as front,
    ):
        answer = await front.ask("/metrics")
        assert (answer.status, answer.body) == (200, b"some_total 1\n")
        assert (answer.header("content-type") or "").startswith("text/plain")


TRICKS = {
    "a gateway": request("/metrics", x_forwarded_for="10.0.0.1"),
    "an empty one": request("/metrics", x_forwarded_for=""),
    "another header": request("/metrics", forwarded="for=10.0.0.1"),
    "a proxy": request("/metrics", via="1.1 envoy"),
    "another host": request("/metrics", x_forwarded_host="models.example"),
    "HEAD": request("/metrics", method="HEAD", x_forwarded_for="10.0.0.1"),
    "a query": request("/metrics?x-forwarded-for", x_forwarded_for="10.0.0.1"),
    "an encoded path": request("/%6detrics", x_forwarded_for="10.0.0.1"),
    "an encoded path, asked directly": request("/%6detrics"),
    "dots": request("/v1/../metrics"),
    "connection": lines(
        "GET /metrics HTTP/1.1", "host: a", "connection: x-forwarded-for", "x-forwarded-for: 1.2.3"
    ),
    "upper case": lines("GET /metrics HTTP/1.1", "host: a", "X-FORWARDED-FOR: 10.0.0.1"),
}


@pytest.mark.parametrize("data", TRICKS.values(), ids=TRICKS.keys())
async def test_no_trick_shows_metrics_to_those_behind_a_gateway(data: bytes) -> None:
    async with (
        StubPredictor() as stub,
        Front(stub.target, metrics=lambda: b"some_total 1\n") as front,
        await front.client() as client,
    ):
        client.write(data)
        answer = await client.answer(bodyless=data.startswith(b"HEAD"))
        assert answer.status in {400, 404}
        assert b"some_total" not in answer.body
        assert stub.requests == []


async def test_metrics_that_fail_are_a_500_and_no_traceback() -> None:
    async def broken() -> bytes:
        raise ValueError("with details")

    async with StubPredictor() as stub, Front(stub.target, metrics=broken) as front:
        answer = await front.ask("/metrics")
        assert answer.status == 500
        assert b"details" not in answer.body


class Watching:
    """An observer that keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.bytes = b""
        self.outcome = Outcome()

    def began(self, call: Call) -> None:
        self.seen.append(call.path)

    def passing(self, call: Call, status: int, data: bytes) -> None:
        assert call.facts.first_byte_at is not None
        self.seen.append(status)
        self.bytes += data

    def ended(self, call: Call, outcome: Outcome) -> None:
        assert call.ended
        self.seen.append("end")
        self.outcome = outcome


LOOKING = "- tests.unit.transformer.forward.steps:LookingStep"


@pytest.mark.parametrize("pipeline", [None, LOOKING], ids=["empty", "with a step"])
async def test_observers_see_each_call_from_its_begin_to_its_end(pipeline: str | None) -> None:
    watching = Watching()
    async with (
        StubPredictor(whole(b'{"a": 1}', x_pilotlight_revision="r-7")) as stub,
        Front(stub.target, pipeline, observers=[watching]) as front,
    ):
        answer = await front.ask(body={})
        assert watching.seen == ["/v1/chat/completions", 200, "end"]
        assert watching.bytes == answer.body
        assert watching.outcome.ok
        stub.script = stream("a", end="reset")
        watching.bytes = b""
        answer = await front.ask(body={"stream": True})
        assert watching.bytes == answer.body
        assert watching.outcome.status == 200
        assert watching.outcome.cut
        assert watching.outcome.error == "bad_gateway"
        assert watching.seen[-1] == "end"
