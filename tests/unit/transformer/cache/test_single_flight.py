"""Equal requests at the same time: the model is asked once."""

import asyncio
import json
from pathlib import Path

import pytest

from pilotlight.errors import (
    BadGateway,
    Forbidden,
    InvalidRequest,
    Overloaded,
    RequestError,
    Unavailable,
)
from pilotlight_transformer.caching.live import Failure, Live
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.headers import Headers
from tests.unit.transformer.cache.kit import (
    Gate,
    Held,
    Running,
    a_question,
    playing,
    step_of,
    tenant,
    until,
    x_cache,
)
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    chat_answer,
    chat_stream,
)


class SlowClient(PlayedClient):
    """Reads nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = asyncio.Event()

    async def write(self, data: bytes) -> None:
        await self.reads.wait()
        await super().write(data)


def _followers(play: Play) -> int:
    return sum(live.followers for live in step_of(play)._flights._flights.values())


def _results(runs: list[Running]) -> list[str]:
    return sorted(x_cache(run.client) or "" for run in runs)


async def test_a_hundred_equal_requests_at_once_ask_the_model_once(tmp_path: Path) -> None:
    predictor = Gate(lambda call: chat_answer("hi"))
    async with playing(tmp_path, predictor) as play:
        runs = [Running(play, a_question()) for _ in range(100)]
        await until(lambda: bool(predictor.asked))
        predictor.opened.set()
        bodies = {(await run.ended()).body for run in runs}
        assert len(bodies) == len(predictor.asked) == 1
        assert _results(runs) == ["miss"] + ["shared"] * 99
        assert len(step_of(play)._flights) == 0


async def test_a_hundred_equal_streams_at_once_ask_the_model_once(tmp_path: Path) -> None:
    held = Held()
    predictor = PlayedPredictor(held.answer)
    async with playing(tmp_path, predictor) as play:
        runs = [Running(play, a_question(stream=True)) for _ in range(50)]
        held.say("one ")
        await until(lambda: all(run.client.body for run in runs))
        assert {run.client.text for run in runs} == {"one "}
        # Those who come in the middle get it from the beginning.
        runs += [Running(play, a_question(stream=True)) for _ in range(50)]
        held.say("two")
        held.finish()
        clients = [await run.ended() for run in runs]
        assert {client.text for client in clients} == {"one two"}
        assert {client.body for client in clients} == {clients[0].body}
        assert all(client.finished for client in clients)
        assert _results(runs) == ["miss"] + ["shared"] * 99
        assert len(predictor.asked) == 1


async def test_followers_see_only_the_headers_that_are_not_the_leaders_own(tmp_path: Path) -> None:
    held = Held()
    async with playing(tmp_path, PlayedPredictor(held.answer)) as play:
        runs = [Running(play, a_question(stream=True)) for _ in range(2)]
        held.finish()
        leader, follower = [await run.ended() for run in runs]
        assert b"set-cookie" in leader.headers
        assert b"set-cookie" not in follower.headers


async def test_tenants_do_not_share(tmp_path: Path) -> None:
    predictor = Gate(lambda call: chat_answer(call.identity.tenant))
    async with playing(tmp_path, predictor) as play:
        runs = [Running(play, a_question(), identity=tenant(name)) for name in ("a", "b")]
        await until(lambda: len(predictor.asked) == 2)
        predictor.opened.set()
        answers = [(await run.ended()).document["choices"][0]["message"]["content"] for run in runs]
        assert answers == ["a", "b"]


async def test_a_stream_goes_on_for_its_followers_when_the_leaders_client_leaves(
    tmp_path: Path,
) -> None:
    held = Held()
    async with playing(tmp_path, PlayedPredictor(held.answer)) as play:
        leader, follower = (Running(play, a_question(stream=True)) for _ in range(2))
        held.say("one ")
        await until(lambda: bool(follower.client.body))
        leader.leave()
        held.say("two")
        held.finish()
        assert (await follower.ended()).text == "one two"
        assert (await leader.ended()).text == "one "
        assert x_cache(await play.ask(a_question(stream=True))) == "hit"


@pytest.mark.parametrize("begun", [True, False])
async def test_an_answer_that_nobody_wants_any_more_is_ended_at_once(
    tmp_path: Path, begun: bool
) -> None:
    held, gate = Held(), Gate(lambda call: chat_answer("hi"))
    predictor = PlayedPredictor(held.answer) if begun else gate
    async with playing(tmp_path, predictor) as play:
        leader, follower = (Running(play, a_question(stream=True)) for _ in range(2))
        await until(lambda: bool(predictor.asked) and _followers(play) == 1)
        if begun:
            held.say("one ")
            await until(lambda: bool(follower.client.body))
        leader.leave()
        await asyncio.sleep(0)
        assert not leader.task.done()
        follower.leave()
        await until(leader.task.done)
        assert leader.task.cancelled()
        assert held.closed is begun
        assert len(step_of(play)._flights) == 0


async def test_without_followers_a_leader_that_leaves_ends_the_stream(tmp_path: Path) -> None:
    held = Held()
    async with playing(tmp_path, PlayedPredictor(held.answer)) as play:
        leader = Running(play, a_question(stream=True))
        held.say("one ")
        await until(lambda: bool(leader.client.body))
        leader.leave()
        await until(lambda: held.closed)


async def test_a_follower_that_leaves_takes_nobody_with_it(tmp_path: Path) -> None:
    predictor = Gate(lambda call: chat_answer("hi"))
    async with playing(tmp_path, predictor) as play:
        leader, follower = (Running(play, a_question()) for _ in range(2))
        await until(lambda: bool(predictor.asked))
        await until(lambda: _followers(play) == 1)
        follower.leave()
        await until(lambda: _followers(play) == 0)
        predictor.opened.set()
        assert (await leader.ended()).status == 200


async def test_a_slow_follower_holds_nobody(tmp_path: Path) -> None:
    held = Held()
    async with playing(tmp_path, PlayedPredictor(held.answer)) as play:
        leader = Running(play, a_question(stream=True))
        slow = Running(play, a_question(stream=True), SlowClient())
        for _ in range(50):
            held.say("x" * 100)
        held.finish()
        assert (await leader.ended()).text == "x" * 5_000
        assert not slow.client.pieces
        assert isinstance(slow.client, SlowClient)
        slow.client.reads.set()
        assert (await slow.ended()).text == "x" * 5_000


async def test_a_follower_that_falls_behind_the_bound_is_told_so(tmp_path: Path) -> None:
    held = Held()
    async with playing(tmp_path, PlayedPredictor(held.answer), max_answer_bytes=1_024) as play:
        leader = Running(play, a_question(stream=True))
        slow = Running(play, a_question(stream=True), SlowClient())
        held.say("one")
        await until(lambda: bool(leader.client.body))
        for _ in range(50):
            held.say("x" * 100)
        held.finish()
        assert len((await leader.ended()).text) == 5_003
        assert isinstance(slow.client, SlowClient)
        slow.client.reads.set()
        ended = await slow.ended()
        assert ended.events[-2]["error"]["code"] == "unavailable"
        assert ended.events[-1] == "[DONE]"


async def test_what_is_wrong_with_the_request_all_are_told_at_once(tmp_path: Path) -> None:
    def refuse(call: Call) -> Answer:
        raise InvalidRequest("no such parameter")

    predictor = Gate(refuse)
    async with playing(tmp_path, predictor) as play:
        runs = [Running(play, a_question()) for _ in range(10)]
        await until(lambda: bool(predictor.asked))
        predictor.opened.set()
        clients = [await run.ended() for run in runs]
        assert {client.status for client in clients} == {400}
        assert len({client.body for client in clients}) == len(predictor.asked) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_when_the_leader_fails_the_first_follower_asks(tmp_path: Path, stream: bool) -> None:
    attempts: list[Call] = []

    def fail_once(call: Call) -> Answer:
        attempts.append(call)
        if len(attempts) == 1:
            raise Unavailable("restarting")
        return chat_answer("hi")

    predictor = Gate(fail_once)
    async with playing(tmp_path, predictor) as play:
        runs = [Running(play, a_question(stream=stream)) for _ in range(10)]
        await until(lambda: bool(predictor.asked))
        predictor.opened.set()
        statuses = [(await run.ended()).status for run in runs]
        assert statuses == [503] + [200] * 9
        assert len(predictor.asked) == 2


async def test_when_the_second_one_fails_too_nobody_else_asks(tmp_path: Path) -> None:
    def overloaded(call: Call) -> Answer:
        raise Overloaded("too much", retry_after_s=7)

    predictor = Gate(overloaded)
    async with playing(tmp_path, predictor) as play:
        runs = [Running(play, a_question()) for _ in range(10)]
        await until(lambda: bool(predictor.asked))
        predictor.opened.set()
        clients = [await run.ended() for run in runs]
        assert {client.status for client in clients} == {429}
        assert {client.headers.get(b"retry-after") for client in clients} == {b"7"}
        assert len(predictor.asked) == 2


async def test_what_another_caller_may_not_is_no_answer_for_the_others(tmp_path: Path) -> None:
    def forbid(call: Call) -> Answer:
        raise Forbidden("not this key")

    predictor = Gate(forbid)
    async with playing(tmp_path, predictor) as play:
        runs = [Running(play, a_question()) for _ in range(5)]
        await until(lambda: bool(predictor.asked))
        predictor.opened.set()
        assert [(await run.ended()).status for run in runs] == [403] * 5
        assert len(predictor.asked) == 5


async def test_a_stream_that_breaks_off_ends_with_an_error_for_all(tmp_path: Path) -> None:
    held = Held()
    async with playing(tmp_path, PlayedPredictor(held.answer)) as play:
        runs = [Running(play, a_question(stream=True)) for _ in range(3)]
        held.say("one")
        await until(lambda: all(run.client.body for run in runs))
        held.fail(BadGateway("reset"))
        for run in runs:
            client = await run.ended()
            assert client.events[0]["choices"][0]["delta"]["content"] == "one"
            assert client.events[-2]["error"]["code"] == "bad_gateway"
            assert run.exchange.outcome.cut


async def test_followers_of_a_stream_that_a_step_cut_short_are_told_so(tmp_path: Path) -> None:
    held = Held()
    pipeline = "- tests.unit.transformer.cache.cutting:CutsShort\n- cache"
    async with Play(pipeline, tmp_path, PlayedPredictor(held.answer)) as play:
        leader = Running(play, a_question(stream=True), headers={"x-cut": "1"})
        follower = Running(play, a_question(stream=True))
        await until(lambda: bool(play.predictor.asked) and _followers(play) == 1)
        held.say("one")
        held.say("two")
        assert (await leader.ended()).text == "one"
        ended = await follower.ended()
        assert ended.text == "one"
        assert ended.events[-2]["error"]["code"] == "bad_gateway"


async def test_a_follower_waits_no_longer_than_it_is_told(tmp_path: Path) -> None:
    predictor = Gate(lambda call: chat_answer("hi"))
    async with playing(tmp_path, predictor, wait_s=0.05) as play:
        runs = [Running(play, a_question()) for _ in range(3)]
        await until(lambda: len(predictor.asked) == 3)
        predictor.opened.set()
        assert [x_cache(await run.ended()) for run in runs] == ["miss"] * 3


async def test_a_shared_stream_that_stands_still_is_given_up() -> None:
    live = Live(1_024)
    live.begin(Headers())
    follower = live.answer(wait_s=0.01).body
    assert not isinstance(follower, bytes)
    with pytest.raises(RequestError, match="stands still"):
        await anext(follower)


async def test_single_flight_can_be_off(tmp_path: Path) -> None:
    predictor = Gate(lambda call: chat_answer("hi"))
    async with playing(tmp_path, predictor, single_flight=False) as play:
        runs = [Running(play, a_question()) for _ in range(3)]
        await until(lambda: len(predictor.asked) == 3)
        predictor.opened.set()
        assert [(await run.ended()).status for run in runs] == [200] * 3


async def test_a_failure_after_the_end_changes_nothing() -> None:
    live = Live(1_024)
    live.complete(Headers(), json.dumps({}).encode())
    live.fail(Failure(500))
    assert live.answer(1).body == b"{}"


async def test_an_answer_that_format_ended_is_kept_and_shared(tmp_path: Path) -> None:
    loop = "again and again, "
    predictor = PlayedPredictor(lambda call: chat_stream(*[loop] * 50))
    pipeline = "- cache\n- format: {repetition: {repeats: 4, min_characters: 60}}"
    async with Play(pipeline, tmp_path, predictor) as play:
        runs = [Running(play, a_question(stream=True)) for _ in range(3)]
        first, *others = [await run.ended() for run in runs]
        assert first.text.count(loop) < 10
        assert {other.body for other in others} == {first.body}
        again = await play.ask(a_question(stream=True))
        assert (x_cache(again), again.body) == ("hit", first.body)
        assert len(predictor.asked) == 1


async def test_an_answer_that_format_refused_is_not_kept(tmp_path: Path) -> None:
    wanted = {"type": "json_object"}
    predictor = PlayedPredictor(lambda call: chat_answer("no json"))
    async with Play("- cache\n- format: {json: {}}", tmp_path, predictor) as play:
        for _ in range(2):
            client = await play.ask(a_question(response_format=wanted))
            assert (client.status, x_cache(client)) == (502, "miss")
        assert len(predictor.asked) == 2
