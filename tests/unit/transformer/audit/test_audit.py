"""One line for each call: what was decided, and nothing that is not asked for."""

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pilotlight.errors import BadGateway, Forbidden, Unauthorized, UsageError
from pilotlight_transformer.auditing.record import line
from pilotlight_transformer.auditing.writer import Writer
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.step import Step
from pilotlight_transformer.steps.audit import AuditStep
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)

SECRET = "sk-very-secret"
SECONDS = 10.0


class Deciding(Step):
    """Decides as it is told."""

    name = "deciding"

    async def request(self, call: Call) -> Answer | None:
        call.decide(self.name, "seen", "a rule")
        if call.headers.text(b"x-do") == "refuse":
            raise Forbidden("not for you")
        if call.headers.text(b"x-do") == "unknown":
            raise Unauthorized("who are you")
        call.facts.upstream, call.facts.revision = "default", "m-00001"
        return None


def pipeline(path: Path | str, **settings: Any) -> str:
    return f"- audit: {json.dumps({'to': str(path), **settings})}\n- {__name__}:Deciding"


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def counted(play: Play) -> dict[str, float]:
    (metric,) = next(iter(play.pipeline.steps[0].collectors())).collect()
    return {
        sample.labels["result"]: sample.value
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


async def until_counted(play: Play, result: str, number: int) -> None:
    async with asyncio.timeout(SECONDS):
        while counted(play).get(result, 0) < number:  # noqa: ASYNC110  # another thread counts
            await asyncio.sleep(0.01)


async def until_answered(play: Play, status: int) -> PlayedClient:
    async with asyncio.timeout(SECONDS):
        while True:
            client = await play.ask(a_chat())
            if client.status == status:
                return client
            await asyncio.sleep(0.02)


async def one(tmp_path: Path, call: Call, **options: Any) -> dict[str, Any]:
    """The record of one call."""
    path = tmp_path / "audit.jsonl"
    settings = {key: options.pop(key) for key in list(options) if key == "text"}
    async with Play(pipeline(path, **settings), tmp_path, **options) as play:
        await play.send(call)
    (record,) = records(path)
    return record


async def test_a_line_says_who_what_where_and_how_it_went(tmp_path: Path) -> None:
    identity = Identity("acme", "key-1")
    call = a_call(a_chat(), identity=identity)
    call.arrived_at = time.monotonic()
    record = await one(tmp_path, call)
    assert record.pop("time").startswith("20")
    assert 0 <= record.pop("duration_ms") < 60_000
    assert record == {
        "request_id": "request-1",
        "tenant": "acme",
        "subject": "key-1",
        "peer": "",
        "protocol": "http",
        "route": "chat",
        "model": "m",
        "status": 200,
        "outcome": "ok",
        "error": None,
        "prompt_tokens": None,
        "completion_tokens": None,
        "finish_reason": None,
        "response_id": None,
        "upstream": "default",
        "revision": "m-00001",
        "cache": None,
        "first_byte_ms": None,
        "decisions": [{"step": "deciding", "what": "seen", "why": "a rule"}],
    }


async def test_a_refusal_is_written_down_with_its_code(tmp_path: Path) -> None:
    record = await one(tmp_path, a_call(a_chat(), headers={"x-do": "refuse"}))
    assert (record["status"], record["outcome"]) == (403, "refused")
    assert record["error"] == "permission_denied"


async def test_the_body_of_a_stranger_is_not_parsed(tmp_path: Path) -> None:
    record = await one(tmp_path, a_call(a_chat(), headers={"x-do": "unknown"}))
    assert (record["status"], record["model"]) == (401, None)


async def test_a_stream_that_broke_off_is_cut(tmp_path: Path) -> None:
    broken = PlayedPredictor(lambda call: chat_stream("a", fail=BadGateway("gone")))
    record = await one(tmp_path, a_call(a_chat(stream=True)), predictor=broken)
    assert (record["outcome"], record["error"]) == ("cut", "bad_gateway")


async def test_a_predictor_that_fails_is_a_failure(tmp_path: Path) -> None:
    failing = PlayedPredictor(lambda call: Answer.of({}, 500))
    record = await one(tmp_path, a_call(a_chat()), predictor=failing)
    assert (record["status"], record["outcome"], record["error"]) == (500, "failed", None)


@pytest.mark.parametrize("stream", [False, True])
async def test_no_text_and_no_secret_is_in_a_line(tmp_path: Path, stream: bool) -> None:
    answers = PlayedPredictor(
        lambda call: chat_stream("answer-text") if stream else chat_answer("answer-text")
    )
    headers = {"authorization": f"Bearer {SECRET}", "x-api-key": SECRET, "cookie": SECRET}
    call = a_call(a_chat("prompt-text", stream=stream, user=SECRET), headers=headers)
    call.query = SECRET.encode()
    await one(tmp_path, call, predictor=answers)
    written = (tmp_path / "audit.jsonl").read_text()
    assert "request-1" in written
    assert not any(text in written for text in ("prompt-text", "answer-text", SECRET))


@pytest.mark.parametrize("stream", [False, True])
async def test_with_text_both_bodies_are_in_it_and_no_header(tmp_path: Path, stream: bool) -> None:
    call = a_call(
        a_chat("prompt-text", stream=stream), headers={"authorization": f"Bearer {SECRET}"}
    )
    record = await one(tmp_path, call, text=True)
    assert "prompt-text" in record["request"]
    assert '"h"' in record["answer"] if stream else '"hi"' in record["answer"]
    assert ("[DONE]" in record["answer"]) is stream
    assert SECRET not in json.dumps(record)


async def test_a_long_text_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    long = PlayedPredictor(lambda call: chat_answer("y" * 5000))
    settings = {"text": True, "max_text_bytes": 100}
    async with Play(pipeline(path, **settings), tmp_path, long) as play:
        await play.ask(a_chat("x" * 5000))
    (record,) = records(path)
    assert (len(record["request"]), len(record["answer"])) == (100, 100)


def test_without_text_the_step_has_no_hook_that_sees_answers() -> None:
    assert {"response", "watch", "chunk", "answering", "last_chunks"}.isdisjoint(vars(AuditStep))


def test_text_that_is_no_utf8_is_written_down_too() -> None:
    assert json.loads(line({"subject": "\ud800"})) == {"subject": "\ud800"}


async def test_names_that_clients_choose_are_cut(tmp_path: Path) -> None:
    record = await one(tmp_path, a_call(a_chat(model="n" * 10_000)))
    assert record["model"] == "n" * 256


async def test_a_body_that_is_no_json_has_no_model(tmp_path: Path) -> None:
    record = await one(tmp_path, a_call(b"\xff{"))
    assert record["model"] is None


async def test_lines_are_there_within_a_second_and_all_of_them_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    async with Play(pipeline(path), tmp_path) as play:
        await play.ask(a_chat())
        began = time.monotonic()
        await until_counted(play, "written", 1)
        assert time.monotonic() - began < 2
        assert len(records(path)) == 1
        for _ in range(500):
            await play.ask(a_chat())
    assert len(records(path)) == 501


async def test_on_a_full_disk_records_are_dropped_and_counted_and_requests_go_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.jsonl"
    path.symlink_to("/dev/full")
    async with Play(pipeline(path), tmp_path) as play:
        for _ in range(3):
            assert (await play.ask(a_chat())).status == 200
        await until_counted(play, "dropped", 3)
        path.unlink()  # there is room again
        assert (await play.ask(a_chat())).status == 200
        await until_counted(play, "written", 1)
    assert len(records(path)) == 1


async def test_on_a_full_disk_requests_are_refused_if_records_are_required(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.symlink_to("/dev/full")
    async with Play(pipeline(path, required=True), tmp_path) as play:
        first = await play.ask(a_chat())
        assert first.status == 200
        refused = await until_answered(play, 503)
        assert refused.headers.get(b"retry-after") == b"1"
        served = len(play.predictor.asked)
        path.unlink()  # there is room again
        await until_answered(play, 200)
        assert counted(play)["refused"] >= 1
    # Nothing that was served is missing.
    assert len(records(path)) == served + 1


class Stuck:
    """An output that nobody reads."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def write(self, lines: bytes) -> None:
        self.release.wait(30)

    def close(self) -> None:
        pass


async def test_what_waits_is_bounded_and_the_loop_never_does() -> None:
    stuck, counts = Stuck(), {True: 0, False: 0}

    def count(written: bool, number: int) -> None:
        counts[written] += number

    writer = Writer(stuck, 10_000, keep=False, counted=count)
    began = time.monotonic()
    for _ in range(500):
        writer.put(b"x" * 99 + b"\n")
    assert time.monotonic() - began < 1
    assert counts[False] == 400
    assert not writer.takes
    stuck.release.set()
    await writer.stop()
    assert counts == {True: 100, False: 400}


async def test_records_go_to_the_standard_output_by_default(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with Play("- audit", tmp_path) as play:
        await play.ask(a_chat())
    assert json.loads(capfd.readouterr().out)["status"] == 200


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{to: audit.jsonl}", "absolute"),
        ("{max_bytes: 1}", "max_bytes"),
        ("{texts: true}", "texts"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, settings: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Play(f"- audit: {settings}", tmp_path)


async def test_a_file_that_cannot_be_opened_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        async with Play(pipeline(tmp_path), tmp_path):
            pass
