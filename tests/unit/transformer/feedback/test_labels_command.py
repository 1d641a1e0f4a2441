"""`pilotlight labels`: every label once for each reader, and none lost."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pilotlight.errors import OperationError, PilotlightError, UsageError
from pilotlight_transformer.commands.labels import app
from pilotlight_transformer.feedback import labels as queue
from pilotlight_transformer.pipeline.call import Identity
from tests.unit.transformer.feedback.opinions import asked, give, play_with
from tests.unit.transformer.playing import Play
from tests.unit.transformer.redis_server import RedisServer


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines(*arguments: object) -> list[Any]:
    result = run("export", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(*arguments: object) -> PilotlightError:
    """The error of a command that fails; the command line makes its exit code of it."""
    result = run(*arguments)
    assert isinstance(result.exception, PilotlightError), result.output
    return result.exception


class Site:
    """A running transformer, and the options that name its store."""

    def __init__(self, play: Play, options: list[str]) -> None:
        self.play, self.options = play, options

    async def flag(self, text: str, **said: Any) -> str:
        answer = await asked(self.play, text=text)
        assert (await give(self.play, answer, **(said or {"flag": True}))).status == 200
        return answer


@pytest.fixture(params=["sqlite", "redis"])
async def site(
    request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer
) -> AsyncIterator[Site]:
    if request.param == "sqlite":
        async with play_with("store_text: true", tmp_path) as play:
            yield Site(play, ["--folder", str(tmp_path)])
        return
    import redis.asyncio

    async with redis.asyncio.Redis.from_url(redis_server.url) as client:
        await client.flushall()
    async with play_with("store_text: true", tmp_path, redis=redis_server.url) as play:
        yield Site(play, ["--redis", redis_server.url])


async def test_a_correction_is_what_the_model_is_to_learn(site: Site) -> None:
    answer = await site.flag("why?", correction="because", score=-1, comment="hm")
    (label,) = lines(*site.options)
    assert label["messages"] == [
        {"role": "user", "content": "why?"},
        {"role": "assistant", "content": "because"},
    ]
    assert label["answer"] == {"role": "assistant", "content": "hi"}
    assert (label["response_id"], label["tenant"], label["model"]) == (answer, "alice", "m")
    assert (label["revision"], label["score"], label["comment"]) == ("r1", -1, "hm")
    assert (label["request_id"], label["flag"]) == ("request-1", None)


async def test_a_bad_answer_without_a_correction_is_no_example(site: Site) -> None:
    await site.flag("why?", flag="nonsense")
    (label,) = lines(*site.options)
    assert label["messages"] == [{"role": "user", "content": "why?"}]
    assert (label["answer"]["content"], label["correction"]) == ("hi", None)
    assert label["flag"] == "nonsense"


async def test_each_reader_gets_a_label_once(site: Site) -> None:
    first = await site.flag("1")
    assert [label["response_id"] for label in lines(*site.options)] == [first]
    assert lines(*site.options) == []
    second = await site.flag("2")
    assert [label["response_id"] for label in lines(*site.options)] == [second]
    every = [first, second]
    assert [label["response_id"] for label in lines("--all", *site.options)] == every
    assert [label["response_id"] for label in lines("--reader", "b", *site.options)] == every
    assert lines(*site.options) == []


async def test_a_label_whose_feedback_changed_comes_again(site: Site) -> None:
    answer = await site.flag("1")
    await site.flag("2")
    lines(*site.options)
    await give(site.play, answer, correction="better")
    (label,) = lines(*site.options)
    assert (label["response_id"], label["correction"]) == (answer, "better")
    assert len(lines("--all", *site.options)) == 2


async def test_only_corrected_answers_where_only_they_are_wanted(site: Site) -> None:
    await site.flag("1")
    corrected = await site.flag("2", correction="x")
    found = lines("--corrected", *site.options)
    assert [label["response_id"] for label in found] == [corrected]


async def test_more_labels_than_one_batch_come_in_order(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "BATCH", 3)
    answers = [await site.flag(str(index)) for index in range(8)]
    assert [label["response_id"] for label in lines(*site.options)] == answers


async def test_a_file_is_made_whole_and_never_overwritten(site: Site, tmp_path: Path) -> None:
    output = tmp_path / "out" / "labels.jsonl"
    output.parent.mkdir()
    await site.flag("1")
    result = run("export", "-o", output, "--json", *site.options)
    assert json.loads(result.stdout) == {"exported": 1, "file": str(output)}
    before = output.read_bytes()
    await site.flag("2")
    assert isinstance(refused("export", "-o", output, *site.options), UsageError)
    assert output.read_bytes() == before
    # What was refused is still new.
    assert json.loads(run("count", "--json", *site.options).stdout) == {"labels": 2, "new": 1}
    assert len(lines(*site.options)) == 1
    another = output.with_name("none.jsonl")
    nothing = run("export", "-o", another, "--json", *site.options)
    assert json.loads(nothing.stdout) == {"exported": 0, "file": None}
    assert [path.name for path in output.parent.iterdir()] == ["labels.jsonl"]


async def test_an_export_that_fails_passes_no_label(site: Site, tmp_path: Path) -> None:
    await site.flag("1")
    failed = refused("export", "-o", tmp_path / "no folder" / "x", *site.options)
    assert isinstance(failed, OperationError)
    assert len(lines(*site.options)) == 1


async def test_the_list_shows_labels_without_their_texts(site: Site) -> None:
    assert "nobody has flagged" in run("list", *site.options).stdout
    for text in ("why?", "hush"):
        last = await site.flag(text, correction="hush", comment="hush", flag="hush")
    shown = run("list", "--limit", "1", "--json", *site.options).stdout
    (label,) = json.loads(shown)
    assert (label["response_id"], label["corrected"], label["with_text"]) == (last, True, True)
    table = run("list", *site.options).stdout
    assert "answer-1" in table
    assert "hush" not in shown + table


async def test_a_tenants_odd_name_stops_no_export(site: Site) -> None:
    answer = await asked(site.play, Identity("\ud800[bold]\x1b[2J"))
    await give(site.play, answer, Identity("\ud800[bold]\x1b[2J"), flag=True)
    assert len(lines(*site.options)) == 1
    assert "?[bold]?[2J" in run("list", *site.options).stdout


async def test_labels_without_a_prompt_are_exported_without_messages(tmp_path: Path) -> None:
    async with play_with("", tmp_path) as play:
        await give(play, await asked(play), correction="x")
    assert lines("--corrected", "--reader", "b", "--folder", tmp_path) == []
    (label,) = lines("--folder", tmp_path)
    assert (label["messages"], label["answer"], label["correction"]) == (None, None, "x")


def test_no_store_is_a_wrong_argument(tmp_path: Path) -> None:
    for command in ("export", "list", "count"):
        error = refused(command, "--folder", tmp_path)
        assert isinstance(error, UsageError)
        assert "stores.folder" in str(error)
    assert not list(tmp_path.iterdir())
    assert isinstance(refused("count", "--folder", tmp_path, "--redis", "redis://x"), UsageError)
    assert isinstance(refused("count", "--redis", "http://x"), UsageError)
    assert isinstance(refused("export", "--json", "--folder", tmp_path), UsageError)


def test_a_redis_that_is_down_is_a_failure_that_does_not_tell_its_password() -> None:
    error = refused("count", "--redis", "redis://:topsecret@127.0.0.1:1/0")
    assert isinstance(error, OperationError)
    assert "secret" not in str(error)


def test_a_damaged_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "feedback.db").write_bytes(b"damaged" * 1000)
    assert isinstance(refused("count", "--folder", tmp_path), OperationError)
