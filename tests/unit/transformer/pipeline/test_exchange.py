"""A call's way through the steps: order, refusals, streams, clients that leave."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pilotlight.errors import BadGateway, UsageError
from pilotlight_transformer.inflight import InFlight
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.pipeline import Pipeline
from tests.unit.transformer.pipeline import sample_steps
from tests.unit.transformer.pipeline.sample_steps import LOG, Watching
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)

HERE = sample_steps.__name__
BOTH = f"- {HERE}:Marking: {{mark: a}}\n- {HERE}:Second: {{mark: b}}"


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()
    Watching.seen.clear()


async def test_requests_go_down_the_list_and_answers_come_back_up(tmp_path: Path) -> None:
    async with Play(BOTH, tmp_path) as play:
        client = await play.ask(a_chat())
    assert client.document["marks"] == "ba"
    assert client.headers.get(b"x-mark") == b"ba"
    hooks = ["start", "request", "response", "answering", "end", "stop"]
    assert [line for line in LOG if line.startswith("a.")] == [f"a.{hook}" for hook in hooks]
    assert LOG.index("a.request") < LOG.index("b.request") < LOG.index("b.response")
    assert LOG.index("b.response") < LOG.index("a.response")


async def test_events_pass_each_step_and_last_ones_pass_those_outside(tmp_path: Path) -> None:
    async with Play(BOTH, tmp_path) as play:
        client = await play.ask(a_chat(stream=True))
    assert client.text == "hbaiba.a."
    assert client.events[-1] == "[DONE]"
    assert client.finished


async def test_a_step_that_answers_is_passed_only_by_those_before_it(tmp_path: Path) -> None:
    steps = f"- {HERE}:Marking: {{mark: a}}\n- {HERE}:Answering: {{mark: b}}"
    async with Play(steps, tmp_path) as play:
        client = await play.ask(a_chat())
        assert play.predictor.asked == []
    assert client.document == {"by": "step", "marks": "a"}
    assert "b.response" not in LOG
    assert "b.end" in LOG


async def test_a_refusal_is_an_answer_that_the_steps_before_see(tmp_path: Path) -> None:
    steps = (
        f"- {HERE}:Marking: {{mark: a}}\n- {HERE}:Refusing: {{mark: b}}\n"
        f"- {HERE}:Second: {{mark: c}}"
    )
    async with Play(steps, tmp_path) as play:
        client, outcome = await play.follow(a_call(a_chat()))
    assert client.status == 400
    assert client.document["error"]["code"] == "content_filter"
    assert client.headers.get(b"x-mark") == b"ba"
    assert outcome.error == "content_filter"
    assert not [line for line in LOG if line in {"c.request", "c.end", "a.response"}]


async def test_an_error_has_the_shape_of_its_protocol(tmp_path: Path) -> None:
    async with Play(f"- {HERE}:Refusing", tmp_path) as play:
        client = await play.send(a_call({"instances": ["x"]}, path="/v1/models/m:predict"))
    assert client.document == {"error": "not this"}


async def test_a_bug_in_a_step_is_a_500_that_says_nothing(tmp_path: Path) -> None:
    async with Play(f"- {HERE}:Broken", tmp_path) as play:
        client = await play.ask(a_chat())
    assert client.status == 500
    assert b"prompt" not in client.body


async def test_what_is_only_watched_passes_as_it_came(tmp_path: Path) -> None:
    def reply(call: Call) -> Answer:
        return chat_stream("h", "é", "i", cut=7)

    async with Play(f"- {HERE}:Watching", tmp_path, PlayedPredictor(reply)) as play:
        client = await play.ask(a_chat(stream=True))
    assert bytes(Watching.seen) == client.body
    assert [len(piece) for piece in client.pieces[:-1]] == [7] * (len(client.pieces) - 1)


async def test_a_watcher_outside_sees_what_the_step_inside_made(tmp_path: Path) -> None:
    steps = f"- {HERE}:Watching\n- {HERE}:Marking: {{mark: a}}"
    async with Play(steps, tmp_path) as play:
        client = await play.ask(a_chat(stream=True))
    assert bytes(Watching.seen) == client.body


@pytest.mark.parametrize("cut", [1, 3, 50, 10_000])
async def test_events_are_the_same_however_the_network_cuts_them(tmp_path: Path, cut: int) -> None:
    predictor = PlayedPredictor(lambda call: chat_stream("one", "two\n\n", "drei ß", cut=cut))
    async with Play(f"- {HERE}:Marking: {{mark: '|'}}", tmp_path, predictor) as play:
        client = await play.ask(a_chat(stream=True))
    assert client.text == "one|two\n\n|drei ß|."


async def test_a_stream_that_breaks_off_ends_with_an_error_event(tmp_path: Path) -> None:
    predictor = PlayedPredictor(lambda call: chat_stream("h", fail=BadGateway("it broke off")))
    for steps in ("", f"- {HERE}:Marking: {{mark: a}}"):
        async with Play(steps, tmp_path, predictor) as play:
            client, outcome = await play.follow(a_call(a_chat(stream=True)))
        *_, error, done = client.events
        assert error["error"]["code"] == "bad_gateway"
        assert done == "[DONE]"
        assert client.finished
        assert outcome.cut
        assert not outcome.ok


async def test_a_stream_without_done_gets_none(tmp_path: Path) -> None:
    predictor = PlayedPredictor(lambda call: chat_stream("h", done=False))
    async with Play(f"- {HERE}:Marking: {{mark: a}}", tmp_path, predictor) as play:
        client = await play.ask(a_chat(stream=True))
    assert client.text == "ha."
    assert "[DONE]" not in client.events


async def test_a_whole_answer_that_breaks_off_is_aborted_not_finished(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"half": '
        raise BadGateway("gone")

    def reply(call: Call) -> Answer:
        return Answer(200, Headers([(b"content-type", b"application/json")]), pieces())

    async with Play("", tmp_path, PlayedPredictor(reply)) as play:
        client = await play.ask(a_chat())
        assert client.aborted
        assert not client.finished
    async with Play(f"- {HERE}:Marking", tmp_path, PlayedPredictor(reply)) as play:
        client = await play.ask(a_chat())
        assert client.status == 502


async def test_a_step_may_end_a_stream_early(tmp_path: Path) -> None:
    closed = asyncio.Event()
    inner = chat_stream("a", "b", "c", "d").body

    async def pieces() -> AsyncIterator[bytes]:
        assert not isinstance(inner, bytes)
        try:
            async for piece in inner:
                yield piece
        finally:
            closed.set()

    def reply(call: Call) -> Answer:
        return Answer(200, Headers([(b"content-type", b"text/event-stream")]), pieces())

    async with Play(f"- {HERE}:Stopping", tmp_path, PlayedPredictor(reply)) as play:
        client = await play.ask(a_chat(stream=True))
    assert client.text == "ab"
    assert client.events[-1] == "[DONE]"
    assert closed.is_set()


async def test_errors_of_the_predictor_pass_as_they_are(tmp_path: Path) -> None:
    predictor = PlayedPredictor(lambda call: Answer.of({"error": {"message": "no"}}, 422))
    async with Play(BOTH, tmp_path, predictor) as play:
        client = await play.ask(a_chat())
    assert client.status == 422
    assert client.document == {"error": {"message": "no"}}


async def test_an_answer_that_somebody_wants_outlives_its_client(tmp_path: Path) -> None:
    started = asyncio.Event()

    class Leaving(PlayedClient):
        async def write(self, data: bytes) -> None:
            await super().write(data)
            started.set()

    upstream = PlayedPredictor(lambda call: chat_stream("a", "b"))

    class Upstream:
        async def ask(self, call: Call) -> Answer:
            return await upstream.ask_call(call)

    steps = f"- {HERE}:Wanting\n- {HERE}:Watching"
    async with Play(steps, tmp_path) as play:
        client = Leaving()
        exchange = play.pipeline.open(a_call(a_chat(stream=True)), Upstream(), client)
        task = asyncio.create_task(exchange.run())
        await started.wait()
        assert exchange.client_left()
        await task
    assert bytes(Watching.seen).endswith(b"data: [DONE]\n\n")
    assert len(client.pieces) == 1
    assert LOG == ["end:True"]


async def test_a_cancelled_call_still_ends_at_each_step(tmp_path: Path) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    class Upstream:
        async def ask(self, call: Call) -> Answer:
            asked.set()
            await never.wait()
            return chat_answer("")

    async with Play(BOTH, tmp_path) as play:
        exchange = play.pipeline.open(a_call(a_chat()), Upstream(), PlayedClient())
        task = asyncio.create_task(exchange.run())
        await asked.wait()
        assert not exchange.client_left()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert LOG[-4:-2] == ["b.end:cancelled", "a.end:cancelled"]


async def test_when_a_step_does_not_start_those_before_it_stop_again(tmp_path: Path) -> None:
    play = Play(f"- {HERE}:Marking: {{mark: a}}\n- {HERE}:NotStarting", tmp_path)
    with pytest.raises(UsageError, match="give it a folder"):
        await play.__aenter__()
    assert LOG == ["a.start", "a.stop"]
    assert isinstance(play.pipeline, Pipeline)


async def test_each_step_is_asked_once_for_its_last_words_also_when_one_fails(
    tmp_path: Path,
) -> None:
    steps = (
        f"- {HERE}:Marking: {{mark: a}}\n- {HERE}:Failing: {{mark: b}}\n"
        f"- {HERE}:Second: {{mark: c}}"
    )
    async with Play(steps, tmp_path) as play:
        client = await play.ask(a_chat(stream=True))
    assert [line for line in LOG if "last_chunks" in line] == [
        "c.last_chunks",
        "b.last_chunks",
        "a.last_chunks",
    ]
    assert client.events[-2]["error"]["code"] == "unavailable"
    assert client.text == "hcbaicba.ba."


async def test_a_done_without_its_empty_line_still_ends_the_stream(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'data: {"choices": [{"index": 0, "delta": {"content": "h"}}]}\n\ndata: [DONE]\n'

    def reply(call: Call) -> Answer:
        return Answer(200, Headers([(b"content-type", b"text/event-stream")]), pieces())

    async with Play(f"- {HERE}:Marking: {{mark: a}}", tmp_path, PlayedPredictor(reply)) as play:
        client = await play.ask(a_chat(stream=True))
    assert client.text == "ha."
    assert client.events[-1] == "[DONE]"


async def test_who_leaves_when_the_answer_is_there_spares_no_step_its_end(tmp_path: Path) -> None:
    slow = sample_steps.SlowToEnd
    slow.ending, slow.may_end = asyncio.Event(), asyncio.Event()
    steps = f"- {HERE}:Marking: {{mark: a}}\n- {HERE}:SlowToEnd: {{mark: b}}"
    async with Play(steps, tmp_path) as play:
        call = a_call(a_chat())
        running = InFlight(play.pipeline).begin(call)

        class Upstream:
            async def ask(self, call: Call) -> Answer:
                return chat_answer("hi")

        running.exchange = play.pipeline.open(call, Upstream(), PlayedClient())
        running.task = asyncio.create_task(running.exchange.run())
        await slow.ending.wait()
        running.client_left()
        running.cancel()
        slow.may_end.set()
        await running.task
    assert [line for line in LOG if line.endswith(".end")] == ["b.end", "a.end"]
