"""Which predictor is asked, how often, and what becomes of one that fails."""

import asyncio

import pytest

from pilotlight.clock import SimulatedClock, SystemClock
from pilotlight.errors import DeadlineExceeded, Unavailable
from pilotlight_transformer.forward.limits import UpstreamLimits
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.routing.breaker import Breakers
from tests.unit.transformer.forward.steps import TargetsStep
from tests.unit.transformer.fronting import Front, RawAnswer, request, statuses, until
from tests.unit.transformer.stub_predictor import (
    StubPredictor,
    StubRequest,
    hang_up,
    in_turn,
    never,
    stream,
    whole,
)

TARGETS = "- tests.unit.transformer.forward.steps:TargetsStep"


class Health:
    """Keeps what it was told."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[str] = []
        self.told: list[str] = []

    def allows(self, name: str) -> bool:
        self.asked.append(name)
        return name not in self.refused

    def succeeded(self, name: str) -> None:
        self.told.append(f"{name} succeeded")

    def failed(self, name: str) -> None:
        self.told.append(f"{name} failed")

    def given_up(self, name: str) -> None:
        self.told.append(f"{name} given up")


def half_open(name: str) -> Breakers:
    """Breakers of which one takes its probe next."""
    clock = SimulatedClock()
    breakers = Breakers(clock)
    while breakers.closed(name):
        breakers.failed(name)
    clock.advance(60)
    return breakers


@pytest.fixture
def closed_port() -> Target:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Target("gone", "127.0.0.1", probe.getsockname()[1])


async def test_a_predictor_that_cannot_be_reached_is_a_503(closed_port: Target) -> None:
    health = Health()
    async with Front(closed_port, health=health) as front:
        answer = await front.ask(body={})
        assert (answer.status, answer.code) == (503, "unavailable")
        assert answer.header("retry-after") == "1"
        assert b"127.0.0.1" not in answer.body
        assert health.told == ["gone failed"]


async def test_targets_are_tried_in_their_order(
    closed_port: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health("refused")
    async with (
        StubPredictor(whole(status=503)) as sick,
        StubPredictor() as well,
        Front(closed_port, TARGETS, health=health) as front,
    ):
        targets = (
            sick.named("refused"),
            closed_port,
            sick.named("sick"),
            well.named("well", "renamed"),
        )
        monkeypatch.setattr(TargetsStep, "targets", targets)
        answer = await front.ask(body={"model": "asked", "n": 1})
        assert answer.status == 200
        assert well.last.document == {"model": "renamed", "n": 1}
        assert len(sick.requests) == 1
        assert health.told == ["gone failed", "sick failed", "well succeeded"]
        assert (await front.ask("/v1/models/asked")).status == 200
        assert well.last.path == "/v1/models/renamed"
        assert (await front.ask("/v2/models/a/b/infer", body={})).status == 200
        assert well.last.path == "/v2/models/renamed/infer"


async def test_the_last_predictors_503_goes_on_as_it_came() -> None:
    health = Health()
    async with (
        StubPredictor(whole(b'{"loading": true}', 503, retry_after=7)) as stub,
        Front(stub.target, health=health) as front,
    ):
        answer = await front.ask(body={})
        assert (answer.status, answer.document) == (503, {"loading": True})
        assert answer.header("retry-after") == "7"
        assert health.told == ["predictor failed"]
        assert len(stub.requests) == 1


async def test_no_predictor_that_may_be_asked_is_a_503() -> None:
    async with StubPredictor() as stub, Front(stub.target, health=Health("predictor")) as front:
        answer = await front.ask(body={})
        assert (answer.status, answer.header("retry-after")) == (503, "1")
        assert stub.requests == []


async def test_a_stream_that_breaks_off_counts_as_a_failure() -> None:
    health = Health()
    async with (
        StubPredictor(stream("a", end="reset")) as stub,
        Front(stub.target, health=health) as front,
    ):
        await front.ask(body={"stream": True})
        assert health.told == ["predictor succeeded", "predictor failed"]


@pytest.mark.parametrize("milliseconds", ["0.0001", "100"])
async def test_a_clients_own_deadline_is_no_failure_of_the_predictor(milliseconds: str) -> None:
    breakers = Breakers(SystemClock())
    async with StubPredictor(never) as stub, Front(stub.target, health=breakers) as front:
        asking = [front.ask(body={}, x_request_deadline_ms=milliseconds) for _ in range(6)]
        assert statuses(await asyncio.gather(*asking)) == [504] * 6
        stub.script = whole()
        assert (await front.ask(body={})).status == 200


async def test_a_request_whose_deadline_has_passed_takes_no_turn_and_is_not_sent() -> None:
    health = Health()
    async with StubPredictor() as stub, Front(stub.target, health=health) as front:
        answer = await front.ask(body={}, x_request_deadline_ms="0.0001")
        assert (answer.status, answer.code) == (504, "deadline_exceeded")
        assert (health.asked, health.told, stub.requests) == ([], [], [])


async def test_a_stream_that_its_clients_deadline_ends_is_no_failure_of_the_predictor() -> None:
    health = Health()
    async with (
        StubPredictor(stream("a", end="hang")) as stub,
        Front(stub.target, health=health) as front,
    ):
        answer = await front.ask(body={"stream": True}, x_request_deadline_ms="500")
        assert answer.events[-2]["error"]["code"] == "deadline_exceeded"
        assert health.told == ["predictor succeeded"]


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_probe_whose_client_gives_up_leaves_the_next_request_its_turn(
    *, leaves: bool
) -> None:
    async with (
        StubPredictor(never) as stub,
        Front(stub.target, health=half_open("predictor")) as front,
    ):
        async with await front.client() as client:
            client.write(request(body={}, x_request_deadline_ms="30000" if leaves else "1000"))
            await until(lambda: stub.requests)
            assert (await front.ask(body={})).status == 503
            if not leaves:
                assert (await client.answer()).status == 504
        await until(stub.last.gone.is_set)
        stub.script = whole()
        assert (await front.ask(body={})).status == 200


async def test_who_gets_no_connection_has_proved_nothing_about_the_predictor() -> None:
    health = Health()
    limits = UpstreamLimits(connections=1, waiting=0)
    async with (
        StubPredictor(never) as stub,
        Front(stub.target, upstream=limits, health=health) as front,
        await front.client() as first,
    ):
        first.write(request(body={}))
        await until(lambda: stub.requests)
        assert (await front.ask(body={})).status == 429
        with pytest.raises(Unavailable):
            await front.predictor.ask("/v1/embeddings", {}, 5.0)
        assert health.told == ["predictor given up"] * 2


async def test_a_steps_question_that_is_cut_from_outside_is_given_up(
    closed_port: Target,
) -> None:
    health = Health()
    async with StubPredictor(never) as stub, Front(stub.target, health=health) as front:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await front.predictor.ask("/v1/embeddings", {}, 30.0)
        with pytest.raises(DeadlineExceeded):
            await front.predictor.ask("/v1/embeddings", {}, 0.3)
        with pytest.raises(Unavailable):
            await front.predictor.ask("/v1/embeddings", {}, 5.0, closed_port)
        assert health.told == ["predictor given up", "predictor failed", "gone failed"]


async def test_a_question_that_cannot_be_written_takes_no_turn() -> None:
    health = Health()
    async with StubPredictor() as stub, Front(stub.target, health=health) as front:
        with pytest.raises(TypeError):
            await front.predictor.ask("/v1/embeddings", {"input": object()}, 5.0)
        assert health.asked == []


async def test_a_predictor_that_does_not_begin_to_answer_is_a_504() -> None:
    health = Health()
    limits = UpstreamLimits(first_byte_s=0.3)
    async with (
        StubPredictor(never) as stub,
        Front(stub.target, health=health, upstream=limits) as front,
    ):
        answer = await front.ask(body={})
        assert (answer.status, answer.code) == (504, "deadline_exceeded")
        assert health.told == ["predictor failed"]
        await until(stub.last.gone.is_set)


async def test_a_predictor_that_answers_nonsense_is_a_502() -> None:
    async def script(request: StubRequest) -> None:
        request.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await request.gone.wait()

    async with StubPredictor(script) as stub, Front(stub.target) as front:
        assert (await front.ask(body={})).code == "bad_gateway"


async def warmed(front: Front, stub: StubPredictor) -> None:
    """Have one idle connection that was used."""
    assert (await front.ask("/v1/models")).status == 200
    assert front.pools.connections() == 1
    stub.requests.clear()


async def test_a_get_whose_kept_connection_died_is_asked_again() -> None:
    script = in_turn([whole(), hang_up, whole()])
    async with StubPredictor(script) as stub, Front(stub.target) as front:
        await warmed(front, stub)
        assert (await front.ask("/v1/models")).status == 200
        assert len(stub.requests) == 2
        assert stub.connections == 2


async def test_an_embedding_is_asked_again_too() -> None:
    script = in_turn([whole(), hang_up, whole()])
    async with StubPredictor(script) as stub, Front(stub.target) as front:
        await warmed(front, stub)
        assert (await front.ask("/v1/embeddings", body={})).status == 200
        assert [seen.body for seen in stub.requests] == [b"{}", b"{}"]


async def test_a_chat_is_never_asked_twice() -> None:
    script = in_turn([whole(), hang_up, whole()])
    async with StubPredictor(script) as stub, Front(stub.target) as front:
        await warmed(front, stub)
        assert (await front.ask(body={})).code == "bad_gateway"
        assert len(stub.requests) == 1


async def test_a_new_connection_that_dies_is_no_reason_to_ask_again() -> None:
    async with StubPredictor(hang_up) as stub, Front(stub.target) as front:
        assert (await front.ask("/v1/models")).code == "bad_gateway"
        assert len(stub.requests) == 1


async def test_what_broke_off_in_the_middle_is_not_asked_again() -> None:
    async def half(request: StubRequest) -> None:
        request.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
        await request.writer.drain()
        request.writer.close()

    async with (
        StubPredictor(in_turn([whole(), half, whole()])) as stub,
        Front(stub.target) as front,
    ):
        await warmed(front, stub)
        assert (await front.ask("/v1/models")).code == "bad_gateway"
        assert len(stub.requests) == 1


async def test_retries_end_with_their_budget() -> None:
    turns = [whole(), hang_up]
    left: list[object] = []

    async def script(request: StubRequest) -> None:
        left.append(request)
        # A connection's second request is never answered.
        await turns[sum(seen.connection == request.connection for seen in stub.requests) > 1](
            request
        )

    async with StubPredictor(script) as stub, Front(stub.target) as front:
        answers = [await front.ask("/v1/models") for _ in range(60)]
        again = len(left) - len(answers)
        assert statuses(answers).count(502) > 0
        assert 10 <= again <= 10 + 0.1 * len(answers)


async def test_a_predictor_that_was_restarted_is_reached_again() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        await warmed(front, stub)
        await stub.close()
        await until(lambda: front.pools.connections() == 0)
        assert (await front.ask(body={})).status == 503
        await stub.listen()
        assert (await front.ask(body={})).status == 200


async def test_connections_are_bounded_and_the_rest_waits_its_turn() -> None:
    limits = UpstreamLimits(connections=2, waiting=3, wait_s=30)
    more = asyncio.Event()
    async with (
        StubPredictor(stream("a", "b", before=more)) as stub,
        Front(stub.target, upstream=limits) as front,
    ):
        asking = [asyncio.ensure_future(front.ask(body={"stream": True})) for _ in range(6)]
        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        (refused,) = (task.result() for task in done)
        assert (refused.status, refused.code) == (429, "overloaded")
        assert refused.header("retry-after") == "1"
        assert len(stub.requests) == 2
        more.set()
        answers: list[RawAnswer] = await asyncio.gather(*asking)
        assert sorted(statuses(answers)) == [200] * 5 + [429]
        assert stub.connections == 2


async def test_who_waits_too_long_for_a_connection_is_told() -> None:
    limits = UpstreamLimits(connections=1, waiting=3, wait_s=0.2)
    health = Health()
    async with (
        StubPredictor(never) as stub,
        Front(stub.target, upstream=limits, health=health) as front,
        await front.client() as first,
    ):
        first.write(request(body={}))
        await until(lambda: stub.requests)
        answer = await front.ask(body={})
        assert (answer.status, answer.code) == (503, "unavailable")
        assert health.told == ["predictor given up"]
        waiting = await front.client()
        waiting.write(request(body={}))
        pool, _ = front.pools.of(stub.target)
        await until(lambda: pool.waiting == 1)
        waiting.leave()
        await until(lambda: pool.waiting == 0)


async def test_who_leaves_while_it_waits_frees_its_place() -> None:
    limits = UpstreamLimits(connections=1, wait_s=30)
    more = asyncio.Event()
    async with (
        StubPredictor(stream("a", "b", before=more)) as stub,
        Front(stub.target, upstream=limits) as front,
    ):
        first = asyncio.ensure_future(front.ask(body={"stream": True}))
        await until(lambda: stub.requests)
        second = await front.client()
        second.write(request(body={"stream": True}))
        pool, _ = front.pools.of(stub.target)
        await until(lambda: pool.waiting == 1)
        third = asyncio.ensure_future(front.ask(body={"stream": True}))
        await until(lambda: pool.waiting == 2)
        second.leave()
        await until(lambda: pool.waiting == 1)
        more.set()
        assert statuses(await asyncio.gather(first, third)) == [200, 200]
        assert len(stub.requests) == 2


async def test_at_the_end_those_who_wait_are_told_and_nothing_new_is_sent() -> None:
    limits = UpstreamLimits(connections=1, wait_s=30)
    async with (
        StubPredictor(never) as stub,
        Front(stub.target, upstream=limits) as front,
    ):
        asking = [asyncio.ensure_future(front.ask(body={})) for _ in range(4)]
        pool, _ = front.pools.of(stub.target)
        await until(lambda: stub.requests and pool.waiting == 3)
        front.pools.cut()
        answers = await asyncio.gather(*asking)
        assert {answer.code for answer in answers} == {"unavailable"}
        assert len(stub.requests) == 1


async def test_an_idle_connection_to_a_predictor_is_ended() -> None:
    async with (
        StubPredictor() as stub,
        Front(stub.target, upstream=UpstreamLimits(idle_s=0.2)) as front,
    ):
        await front.ask(body={})
        await until(lambda: front.pools.connections() == 0)


async def test_a_step_gets_an_answer_to_its_own_question() -> None:
    async with StubPredictor(whole({"data": [1]})) as stub, Front(stub.target) as front:
        found = await front.predictor.ask("/v1/embeddings", {"input": "x"}, 5.0)
        assert found == {"data": [1]}
        assert (stub.last.line, stub.last.document) == (
            "POST /v1/embeddings HTTP/1.1",
            {"input": "x"},
        )
        async with StubPredictor(whole({"other": 1})) as other:
            assert await front.predictor.ask("/x", {}, 5.0, other.named("other")) == {"other": 1}


async def test_a_step_learns_why_there_is_no_answer(closed_port: Target) -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        for script in (whole(status=500), whole(b"[1]"), whole(b"nonsense"), hang_up):
            stub.script = script
            with pytest.raises(Unavailable):
                await front.predictor.ask("/v1/embeddings", {}, 5.0)
        with pytest.raises(Unavailable):
            await front.predictor.ask("/v1/embeddings", {}, 5.0, closed_port)
        stub.script = never
        with pytest.raises(DeadlineExceeded):
            await front.predictor.ask("/v1/embeddings", {}, 0.2)
        await until(stub.last.gone.is_set)
