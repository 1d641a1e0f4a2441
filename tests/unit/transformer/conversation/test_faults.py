"""What is acknowledged is kept, whatever breaks; what is not kept is not acknowledged."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight_transformer.conversations.history import History
from pilotlight_transformer.pipeline.answer import JSON, Answer
from pilotlight_transformer.pipeline.headers import Headers
from tests.unit.transformer.conversation.talk import (
    Held,
    contents,
    echoing,
    forget,
    play_with,
    read,
    say,
    told,
)
from tests.unit.transformer.playing import Play, chat_answer
from tests.unit.transformer.redis_server import RedisServer

ROOT = Path(__file__).parents[4]
TALKER = """
import asyncio, sys
from pathlib import Path
from tests.unit.transformer.conversation.talk import play_with, say
async def main():
    async with play_with("lease_s: 1", Path(sys.argv[1])) as play:
        for index in range(100000):
            client = await say(play, f"q{index}", stream=index % 2 == 1)
            assert client.status == 200, client.body
            print(index, flush=True)
asyncio.run(main())
"""


async def test_no_turn_that_was_answered_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    child = subprocess.Popen(  # noqa: ASYNC220  # it is to run beside us
        [sys.executable, "-c", TALKER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        answered = -1
        while answered < 20:
            answered = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout:
            answered = int(line)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == -signal.SIGKILL
    async with play_with("lease_s: 1", tmp_path) as play:
        kept = await contents(play)
        assert kept[: 2 * answered + 2] == [
            text for index in range(answered + 1) for text in (f"q{index}", f"re: q{index}")
        ]
        # Its turn may have been under way: it is free when the lease is over.
        async with asyncio.timeout(10):
            while (await say(play, "after")).status == 409:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.05)
        assert (await contents(play))[-1] == "re: after"


async def test_a_full_disk_refuses_the_answer_and_keeps_what_there_was(tmp_path: Path) -> None:
    async with play_with("", tmp_path) as play:
        await say(play, "one")
        database = play.pipeline.steps[0].surroundings.stores.database("conversations")
        (pages,) = (await database.read("PRAGMA page_count"))[0]
        await database.read(f"PRAGMA max_page_count={pages}")
        play.predictor.reply = lambda call: chat_answer("x" * 100_000)
        whole = await say(play, "two")
        assert (whole.status, whole.document["error"]["code"]) == (503, "unavailable")
        assert "full" in whole.document["error"]["message"]
        assert whole.headers.text(b"x-conversation-version") is None
        play.predictor.reply = echoing().reply
        stream = await say(play, "y" * 100_000, stream=True)
        assert [event["error"]["code"] for event in stream.events[-2:-1]] == ["unavailable"]
        assert stream.events[-1] == "[DONE]"
        assert await contents(play) == ["one", "re: one"]
        await database.read("PRAGMA max_page_count=1000000")
        assert (await say(play, "three")).status == 200
        assert await contents(play) == ["one", "re: one", "three", "re: three"]


async def test_without_redis_a_conversation_is_refused_and_all_else_goes_on(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async with play_with("", tmp_path, redis=redis_server.url) as play:
        assert (await say(play, "one", "down")).status == 200
        redis_server.stop()
        try:
            refused = await say(play, "two", "down")
            assert (refused.status, refused.document["error"]["code"]) == (503, "unavailable")
            assert (await read(play, "down")).status == (await forget(play, "down")).status == 503
            plain = await play.ask({"model": "m", "messages": [{"role": "user", "content": "x"}]})
            assert plain.status == 200
        finally:
            redis_server.start()
        assert (await say(play, "three", "down")).status == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_redis_lost_while_the_model_writes_acknowledges_nothing(
    tmp_path: Path, redis_server: RedisServer, stream: bool
) -> None:
    held = Held(*(("some",) if stream else ()))
    async with play_with("", tmp_path, redis=redis_server.url, predictor=held.predictor) as play:
        turn = asyncio.ensure_future(say(play, "one", "lost", stream=stream))
        await asyncio.wait_for(held.asked.wait(), 5)
        redis_server.stop()
        try:
            held.go.set()
            client = await turn
        finally:
            redis_server.start()
        if stream:
            assert client.events[-2]["error"]["code"] == "unavailable"
        else:
            assert client.status == 503


async def test_a_turn_whose_lease_is_over_is_free_and_its_late_answer_refused(
    tmp_path: Path,
) -> None:
    clock, held = SimulatedClock(1e9), Held()
    async with play_with("lease_s: 30", tmp_path, clock=clock, predictor=held.predictor) as play:
        late = asyncio.ensure_future(say(play, "late"))
        await asyncio.wait_for(held.asked.wait(), 5)
        clock.advance(29)
        assert (await say(play, "early")).status == 409
        clock.advance(2)
        play.predictor.reply = echoing().reply
        assert (await say(play, "next")).status == 200
        held.go.set()
        client = await late
        assert (client.status, client.document["error"]["code"]) == (409, "conflict")
        assert await contents(play) == ["next", "re: next"]


@pytest.mark.parametrize("store", ["sqlite", "redis"])
async def test_a_long_answer_keeps_its_turn(
    tmp_path: Path, redis_server: RedisServer, store: str
) -> None:
    url, held = (redis_server.url if store == "redis" else None), Held()
    async with play_with("lease_s: 1", tmp_path, redis=url, predictor=held.predictor) as play:
        turn = asyncio.ensure_future(say(play, "slow", "long"))
        await asyncio.wait_for(held.asked.wait(), 5)
        await asyncio.sleep(2.5)
        assert (await say(play, "other", "long")).status == 409
        held.go.set()
        assert (await turn).status == 200


async def test_another_process_that_keeps_the_file_busy_is_waited_for(tmp_path: Path) -> None:
    async with play_with("", tmp_path) as play:
        other = sqlite3.connect(tmp_path / "conversations.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        turn = asyncio.ensure_future(say(play, "one"))
        await asyncio.sleep(0.2)
        assert not turn.done()
        other.execute("ROLLBACK")
        other.close()
        assert (await turn).status == 200


async def test_words_are_in_no_log_no_metric_and_no_decision(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with play_with("", tmp_path) as play:
        await say(play, "hush-hush", "hidden-id")
        call = play.predictor.asked[0]
        assert call.decisions[0].what == "began"
        samples = [str(m.samples) for c in play.pipeline.collectors() for m in c.collect()]
        noted = f"{call.decisions} {caplog.text} {samples}"
    assert "stored" in noted
    assert "hush" not in noted
    assert "hidden" not in noted


async def test_turns_are_counted_by_how_they_ended(tmp_path: Path) -> None:
    def ended(play: Play) -> dict[str, float]:
        return {
            sample.labels["outcome"]: sample.value
            for collector in play.pipeline.collectors()
            for metric in collector.collect()
            for sample in metric.samples
            if sample.name == "pilotlight_transformer_conversation_turns_total"
        }

    async with play_with("", tmp_path) as play:
        await say(play, "one")
        await say(play, "two", conversation_version=7)
        assert told(play)[-1]["content"] == "one"
        assert ended(play) == {"stored": 1, "refused": 1}


async def test_what_goes_wrong_while_an_answer_is_stored_keeps_no_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: History) -> bytes:
        raise TypeError("no bytes")

    async with play_with("", tmp_path) as play:
        with monkeypatch.context() as patch:
            patch.setattr(History, "packed", broken)
            assert (await say(play, "one")).status == 500
        assert (await say(play, "two")).status == 200


@pytest.mark.parametrize("levels", [195, 240, 249, 250, 251, 252, 253, 254, 300])
async def test_a_predictors_answer_may_be_nested_as_it_likes(tmp_path: Path, levels: int) -> None:
    content: list[object] = []
    for _ in range(levels):
        content = [content]
    body = chat_answer("x").body
    assert isinstance(body, bytes)
    deep = body.replace(b'"content":"x"', b'"content":' + json.dumps(content).encode())
    async with play_with("", tmp_path) as play:
        play.predictor.reply = lambda _: Answer(200, Headers([(b"content-type", JSON)]), deep)
        assert (await say(play, "one")).status == 200
        play.predictor.reply = echoing().reply
        assert (await say(play, "two")).status == 200
        assert (await read(play)).status == 200
