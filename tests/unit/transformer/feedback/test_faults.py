"""Feedback that was acknowledged is kept; an answer goes out although it could not be noted."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pilotlight_transformer.pipeline.answer import JSON, Answer
from pilotlight_transformer.pipeline.headers import Headers
from tests.unit.transformer.feedback.opinions import ALICE, asked, counted, give, play_with
from tests.unit.transformer.playing import a_call, a_chat, chat_answer
from tests.unit.transformer.redis_server import RedisServer

ROOT = Path(__file__).parents[4]
GIVER = """
import asyncio, sys
from pathlib import Path
from tests.unit.transformer.feedback.opinions import asked, give, play_with
async def one(play):
    answer = await asked(play, stream=True)
    print("noted", answer, flush=True)
    client = await give(play, answer, score=1, flag=True)
    assert client.status == 200, client.body
    print("given", answer, flush=True)
async def main():
    async with play_with("", Path(sys.argv[1])) as play:
        while True:
            await asyncio.gather(*(one(play) for _ in range(20)))
asyncio.run(main())
"""


async def test_nothing_that_was_acknowledged_is_lost_when_the_process_is_killed(
    tmp_path: Path,
) -> None:
    child = subprocess.Popen(  # noqa: ASYNC220  # it is to run beside us
        [sys.executable, "-c", GIVER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    lines: list[str] = []
    try:
        while len(lines) < 70:
            lines.append(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout
    finally:
        child.kill()
        child.wait()
    assert child.returncode == -signal.SIGKILL
    noted = {line.split()[1] for line in lines if line.startswith("noted")}
    given = {line.split()[1] for line in lines if line.startswith("given")}
    assert given
    with sqlite3.connect(tmp_path / "feedback.db") as connection:
        for table in ("feedback", "label"):
            rows = connection.execute(f"SELECT response_id FROM {table}").fetchall()  # noqa: S608
            assert given <= {row[0] for row in rows}
    async with play_with("", tmp_path) as play:
        for answer in noted:
            assert (await give(play, answer, comment="still there")).status == 200


async def test_a_full_disk_lets_answers_go_and_refuses_feedback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with play_with("store_text: true", tmp_path) as play:
        kept = await asked(play)
        database = play.pipeline.steps[0].surroundings.stores.database("feedback")
        (pages,) = (await database.read("PRAGMA page_count"))[0]
        await database.read(f"PRAGMA max_page_count={pages}")
        play.predictor.reply = lambda call: chat_answer("x" * 50_000, id="big")
        assert (await play.ask(a_chat(), identity=ALICE)).status == 200
        assert "an answer goes out without its note" in caplog.text
        assert counted(play)["unnoted_answers_total"] == 1
        assert (await give(play, "big", score=1)).status == 404
        refused = await give(play, kept, correction="y" * 100_000)
        assert (refused.status, refused.document["error"]["code"]) == (503, "unavailable")
        assert counted(play)["flagged_total r1"] == 0
        await database.read("PRAGMA max_page_count=1000000")
        assert (await give(play, kept, score=1)).document["change"] == 1


async def test_without_redis_answers_go_out_and_feedback_is_refused(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async with play_with("", tmp_path, redis=redis_server.url) as play:
        kept = await asked(play)
        redis_server.stop()
        try:
            for stream in (False, True):
                await asked(play, stream=stream)
            refused = await give(play, kept, score=1)
            assert (refused.status, refused.document["error"]["code"]) == (503, "unavailable")
            assert counted(play)["unnoted_answers_total"] == 2
        finally:
            redis_server.start()
        assert (await give(play, await asked(play), score=1)).status == 200


async def test_a_slow_store_delays_an_answer_only_so_long(tmp_path: Path) -> None:
    async with play_with("note_timeout_s: 0.2", tmp_path) as play:
        other = sqlite3.connect(tmp_path / "feedback.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        await asked(play)
        assert time.monotonic() - began < 3
        assert counted(play)["unnoted_answers_total"] == 1
        other.execute("ROLLBACK")
        other.close()


async def test_notes_that_come_together_share_a_transaction(tmp_path: Path) -> None:
    async with play_with("", tmp_path) as play:
        commits: list[str] = []
        database = play.pipeline.steps[0].surroundings.stores.database("feedback")
        await database.write(lambda c: c.set_trace_callback(commits.append))
        commits.clear()
        answers = await asyncio.gather(*(asked(play) for _ in range(100)))
        for answer in answers:
            assert (await give(play, answer, comment="x")).status == 200
    assert 100 <= commits.count("COMMIT") < 150


@pytest.mark.parametrize("levels", [100, 245, 250, 251, 252, 253, 254, 300])
async def test_what_is_nested_too_deeply_to_be_kept_goes_out(tmp_path: Path, levels: int) -> None:
    nest = b"[" * levels + b"]" * levels
    body = chat_answer("x").body
    assert isinstance(body, bytes)
    deep = body.replace(b'"content":"x"', b'"content":' + nest)
    async with play_with("store_text: true", tmp_path) as play:
        play.predictor.reply = lambda _: Answer(200, Headers([(b"content-type", JSON)]), deep)
        asked_for = b'{"model":"m","messages":[{"role":"user","content":%s}]}' % nest
        client = await play.send(a_call(asked_for, identity=ALICE))
        assert (client.status, client.body) == (200, deep)
        given = await give(play, "chatcmpl-1", ALICE, flag=True)
        assert given.status == 200
