"""A conversation goes on where it stopped, on every store."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight.errors import BadGateway, UsageError
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.step import Step
from tests.unit.transformer.conversation.talk import (
    ALICE,
    BOB,
    Held,
    contents,
    echoing,
    forget,
    play_with,
    read,
    say,
    told,
    version,
)
from tests.unit.transformer.playing import (
    Play,
    PlayedClient,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)
from tests.unit.transformer.redis_server import RedisServer


@pytest.fixture(params=["sqlite", "redis"])
async def play(
    request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer
) -> AsyncIterator[Play]:
    url = redis_server.url if request.param == "redis" else None
    async with play_with("", tmp_path, redis=url) as started:
        # The Redis is the module's: what one test says, the next one does not know.
        for who in (ALICE, BOB):
            await forget(started, "c", who)
        yield started


async def test_what_was_said_comes_before_what_is_asked(play: Play) -> None:
    first = await say(play, "one")
    second = await say(play, "two", stream=True)
    assert (version(first), version(second)) == ("1", "2")
    assert second.text == "re: two"
    assert [message["content"] for message in told(play)] == ["one", "re: one", "two"]
    assert await contents(play) == ["one", "re: one", "two", "re: two"]
    assert b"conversation" not in play.predictor.asked[0].payload()


async def test_a_request_without_an_id_passes_as_it_came(play: Play) -> None:
    body = b'{"model": "m",  "messages": [{"role":"user","content":"x"}]}'
    client = await play.send(a_call(body, identity=ALICE))
    assert play.predictor.asked[-1].payload() == body
    assert version(client) is None


async def test_a_conversation_tells_what_it_is_and_goes_when_asked_to(play: Play) -> None:
    await say(play, "one")
    found = (await read(play)).document
    assert (found["id"], found["object"], found["version"]) == ("c", "conversation", 1)
    assert found["expires_at"] - found["updated_at"] == pytest.approx(7 * 86400, abs=2)
    gone = await forget(play)
    assert (gone.status, gone.document["deleted"]) == (200, True)
    assert (await read(play)).status == (await forget(play)).status == 404
    await say(play, "anew")
    assert await contents(play) == ["anew", "re: anew"]


async def test_another_tenant_sees_nothing_of_it(play: Play) -> None:
    await say(play, "secret")
    await say(play, "mine", who=BOB)
    assert [message["content"] for message in told(play)] == ["mine"]
    assert (await forget(play, who=BOB)).status == 200
    assert (await read(play, who=BOB)).status == 404
    assert await contents(play) == ["secret", "re: secret"]


async def test_a_second_turn_is_refused_while_one_is_under_way(play: Play) -> None:
    held = Held()
    play.predictor.reply = held.reply
    first = asyncio.ensure_future(say(play, "first"))
    await asyncio.wait_for(held.asked.wait(), 5)
    second = await say(play, "second")
    assert (second.status, second.document["error"]["code"]) == (409, "conflict")
    assert second.headers.text(b"retry-after") == "1"
    assert len(play.predictor.asked) == 1
    held.go.set()
    assert (await first).status == 200
    assert await contents(play) == ["first", "late"]


async def test_a_version_that_is_not_the_current_one_is_refused_before_the_model_is_asked(
    play: Play,
) -> None:
    assert (await say(play, "one", conversation_version=0)).status == 200
    asked = len(play.predictor.asked)
    stale = await say(play, "two", conversation_version=0)
    assert (stale.status, version(stale)) == (409, "1")
    assert "version 1" in stale.document["error"]["message"]
    assert len(play.predictor.asked) == asked
    assert (await say(play, "two", conversation_version=1)).status == 200


async def test_a_conversation_deleted_while_it_is_answered_stays_deleted(play: Play) -> None:
    held = Held("some")
    play.predictor.reply = held.reply
    turn = asyncio.ensure_future(say(play, "one", stream=True))
    await asyncio.wait_for(held.asked.wait(), 5)
    await forget(play)
    held.go.set()
    client = await turn
    assert client.events[-2]["error"]["code"] == "conflict"
    assert (await read(play)).status == 404


async def test_a_refused_request_leaves_nothing_behind_and_gives_its_turn_back(play: Play) -> None:
    def broken(call: Call) -> Any:
        raise BadGateway("no")

    reply, play.predictor.reply = play.predictor.reply, broken
    assert (await say(play, "lost")).status == 502
    play.predictor.reply = reply
    assert (await say(play, "one")).status == 200
    assert await contents(play) == ["one", "re: one"]


async def test_a_stream_that_breaks_is_kept_and_marked_as_cut(play: Play) -> None:
    play.predictor.reply = lambda call: chat_stream("half", fail=BadGateway("gone"))
    client = await say(play, "one", stream=True)
    assert client.events[-2]["error"]["code"] == "bad_gateway"
    kept = (await read(play)).document["messages"]
    assert kept[1] == {"role": "assistant", "content": "half", "cut": True}
    play.predictor.reply = echoing().reply
    await say(play, "go on")
    assert told(play)[1] == {"role": "assistant", "content": "half"}


async def test_a_stream_that_ends_without_a_reason_is_cut(play: Play) -> None:
    play.predictor.reply = lambda call: chat_stream("half", fail=None, done=False)
    await say(play, "one", stream=True)
    assert "cut" not in (await read(play)).document["messages"][1]
    answer = chat_stream("half", fail=BadGateway("x"))
    pieces = answer.body

    async def short() -> AsyncIterator[bytes]:
        assert not isinstance(pieces, bytes)
        try:
            async for piece in pieces:
                yield piece
        except BadGateway:
            return

    answer.body = short()
    play.predictor.reply = lambda call: answer
    await say(play, "two", stream=True)
    assert (await read(play)).document["messages"][3]["cut"] is True


async def test_a_client_that_leaves_keeps_what_it_was_told(play: Play) -> None:
    held = Held("so far")
    play.predictor.reply = held.reply
    task = asyncio.ensure_future(say(play, "one", stream=True))
    await asyncio.wait_for(held.asked.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept = (await read(play)).document["messages"]
    assert kept[1] == {"role": "assistant", "content": "so far", "cut": True}
    play.predictor.reply = echoing().reply
    assert (await say(play, "two")).status == 200


async def test_a_client_that_leaves_before_the_answer_leaves_the_turn_free(play: Play) -> None:
    held = Held()
    play.predictor.reply = held.reply
    task = asyncio.ensure_future(say(play, "one"))
    await asyncio.wait_for(held.asked.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    play.predictor.reply = echoing().reply
    assert (await say(play, "two")).status == 200
    assert await contents(play) == ["two", "re: two"]


async def test_the_version_of_a_stream_is_the_one_that_it_makes(play: Play) -> None:
    client = await say(play, "one", stream=True)
    assert version(client) == "1" == version(await read(play))


async def test_a_tool_call_and_its_result_are_remembered(play: Play) -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    play.predictor.reply = lambda _: chat_answer(
        "", choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    )
    await say(play, "weather?")
    play.predictor.reply = lambda _: chat_answer("sunny")
    result = {"role": "tool", "tool_call_id": "t1", "content": "21"}
    body = {"model": "m", "messages": [result], "conversation_id": "c"}
    await play.ask(body, identity=ALICE)
    assert told(play) == [{"role": "user", "content": "weather?"}, message, result]
    assert (await contents(play))[-1] == "sunny"


async def test_a_system_prompt_stays_and_a_new_one_takes_its_place(play: Play) -> None:
    async def ask(*messages: dict[str, str]) -> PlayedClient:
        body = {"model": "m", "messages": messages, "conversation_id": "c"}
        return await play.ask(body, identity=ALICE)

    await ask({"role": "system", "content": "be kind"}, {"role": "user", "content": "1"})
    await ask({"role": "user", "content": "2"})
    assert [message["content"] for message in told(play)] == ["be kind", "1", "re: 1", "2"]
    await ask({"role": "developer", "content": "be brief"}, {"role": "user", "content": "3"})
    assert [message["content"] for message in told(play)][:2] == ["be brief", "1"]
    assert (await contents(play))[0] == "be brief"


async def test_reasoning_is_kept_for_people_and_not_told_again(play: Play) -> None:
    message = {"role": "assistant", "content": "4", "reasoning_content": "2+2"}
    play.predictor.reply = lambda _: chat_answer("", choices=[{"index": 0, "message": message}])
    await say(play, "sum")
    assert (await read(play)).document["messages"][1] == message
    await say(play, "again")
    assert told(play)[1] == {"role": "assistant", "content": "4"}


BAD: list[tuple[dict[str, Any], str | None]] = [
    ({"conversation_id": "a b"}, "conversation_id"),
    ({"conversation_id": ""}, "conversation_id"),
    ({"conversation_id": "x" * 129}, "conversation_id"),
    ({"conversation_id": 7}, "conversation_id"),
    ({"conversation_id": "c", "n": 2}, "n"),
    ({"conversation_id": "c", "n": "2"}, "n"),
    ({"conversation_id": "c", "conversation_version": -1}, "conversation_version"),
    ({"conversation_id": "c", "conversation_version": True}, "conversation_version"),
    ({"conversation_id": "c", "conversation_version": 2**70}, None),
    ({"conversation_version": 1}, "conversation_version"),
    ({"conversation_id": "c", "messages": []}, "messages"),
    ({"conversation_id": "c", "messages": ["x"]}, "messages"),
    ({"conversation_id": "c", "messages": [{"role": "user", "content": "x" * 2**20}]}, "messages"),
]


@pytest.mark.parametrize(("fields", "param"), BAD)
async def test_what_cannot_be_a_turn_is_refused(
    tmp_path: Path, fields: dict[str, Any], param: str | None
) -> None:
    async with play_with("", tmp_path) as play:
        client = await play.ask(a_chat("x") | fields, identity=ALICE)
        assert client.status == 400
        if param is not None:
            assert client.document["error"]["param"] == param
        assert not play.predictor.asked


ELSEWHERE = [
    ("/v1/completions", {"prompt": "x"}),
    ("/v1/responses", {"input": "x"}),
    ("/v1/messages", {"messages": []}),
    ("/v1/embeddings", {"input": "x"}),
    ("/v1/models/m:predict", {"instances": []}),
    ("/v2/models/m/infer", {"inputs": []}),
]


@pytest.mark.parametrize(("path", "body"), ELSEWHERE)
async def test_only_chats_have_conversations(
    tmp_path: Path, path: str, body: dict[str, Any]
) -> None:
    async with play_with("", tmp_path) as play:
        for extra in ({"conversation_id": "c"}, {"parameters": {"conversation_id": "c"}}):
            client = await play.ask({**body, **extra}, path=path, identity=ALICE)
            assert client.status == 400
            assert "only /v1/chat/completions" in client.body.decode()
        assert not play.predictor.asked


async def test_the_id_counts_however_json_spells_it(tmp_path: Path) -> None:
    async with play_with("", tmp_path) as play:
        body = b'{"messages":[{"role":"user","content":"x"}],"c\\u006fnversation_id":"c"}'
        assert (await play.send(a_call(body, identity=ALICE))).status == 200
        assert await contents(play) == ["x", "re: x"]


async def test_half_a_surrogate_is_refused_and_holds_no_turn(tmp_path: Path) -> None:
    async with play_with("", tmp_path) as play:
        body = b'{"messages":[{"role":"user","content":"\\ud800"}],"conversation_id":"c"}'
        assert (await play.send(a_call(body, identity=ALICE))).status == 400
        assert (await say(play, "x")).status == 200


async def test_an_old_conversation_is_forgotten(tmp_path: Path) -> None:
    clock = SimulatedClock(1e9)
    async with play_with("ttl_s: 100", tmp_path, clock=clock) as play:
        await say(play, "old")
        clock.advance(60)
        await say(play, "newer")
        clock.advance(99)
        assert version(await read(play)) == "2"
        clock.advance(2)
        assert (await read(play)).status == (await forget(play)).status == 404
        assert version(await say(play, "new", conversation_version=0)) == "1"
        assert [message["content"] for message in told(play)] == ["new"]


async def test_an_old_conversation_is_forgotten_by_redis_itself(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async with play_with("ttl_s: 0.3", tmp_path, redis=redis_server.url) as play:
        await say(play, "old", "short")
        async with asyncio.timeout(5):
            while (await read(play, "short")).status == 200:  # noqa: ASYNC110  # Redis tells nobody
                await asyncio.sleep(0.05)
        assert version(await say(play, "new", "short")) == "1"


async def test_forgotten_conversations_leave_the_disk(tmp_path: Path) -> None:
    clock = SimulatedClock(1e9)
    async with play_with("ttl_s: 100", tmp_path, clock=clock) as play:
        for index in range(30):
            await say(play, "x", f"c{index}")
        clock.advance(4000)
        for index in range(2):
            await say(play, "x", f"new{index}")
    with sqlite3.connect(tmp_path / "conversations.db") as connection:
        rows = connection.execute("SELECT id FROM conversation ORDER BY id").fetchall()
        assert rows == [("new0",), ("new1",)]
        assert connection.execute("SELECT count(*) FROM turn").fetchone() == (0,)


async def test_redis_must_be_named_to_be_used(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"needs stores\.redis"):
        await play_with("store: redis", tmp_path).__aenter__()


async def test_sqlite_may_be_chosen_although_there_is_a_redis(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async with play_with("store: sqlite", tmp_path, redis=redis_server.url) as play:
        await say(play, "x", "local")
    async with play_with("", tmp_path, redis=redis_server.url) as play:
        assert (await read(play, "local")).status == 404
    async with play_with("", tmp_path) as play:
        assert await contents(play, "local") == ["x", "re: x"]


async def test_replicas_share_conversations_in_redis(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    url = redis_server.url
    async with (
        play_with("", tmp_path / "a", redis=url) as one,
        play_with("", tmp_path / "b", redis=url) as two,
    ):
        await say(one, "one", "shared")
        await say(two, "two", "shared")
        assert [message["content"] for message in told(two)] == ["one", "re: one", "two"]


async def test_tenants_whose_names_look_alike_are_not_alike(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    names = ["a", "a:c", "a}", "{a", "a/c", "\x00", "é", "a\x00", "", "\ud800"]
    for url in (None, redis_server.url):
        async with play_with("", tmp_path, redis=url) as play:
            for name in names:
                await say(play, f"of {name!r}", "alike", Identity(name))
            for name in names:
                text = f"of {name!r}"
                assert await contents(play, "alike", Identity(name)) == [text, f"re: {text}"]


async def test_an_answer_from_the_cache_is_remembered_too(tmp_path: Path) -> None:
    predictor = PlayedPredictor(lambda call: chat_answer("never"))
    pipeline = "- conversation\n- tests.unit.transformer.conversation.test_turns:Knowing"
    async with Play(pipeline, tmp_path, predictor) as play:
        await say(play, "one")
        assert await contents(play) == ["one", "known"]


class Knowing(Step):
    """Answers without asking anybody."""

    name = "knowing"

    async def request(self, call: Call) -> Answer | None:
        return chat_answer("known") if call.method == "POST" else None


@pytest.mark.parametrize("role", [[], {}, [1]])
async def test_a_role_may_be_any_json(tmp_path: Path, role: Any) -> None:
    async with Play(
        "- conversation: {}", tmp_path, PlayedPredictor(lambda _: chat_answer("a"))
    ) as play:
        body = {"model": "m", "conversation_id": "c", "messages": [{"role": role, "content": "x"}]}
        assert (await play.ask(body, identity=ALICE)).status == 200
        assert await contents(play) == ["x", "a"]


async def test_a_tenants_oldest_idle_conversation_makes_room_for_a_new_one(tmp_path: Path) -> None:
    clock = SimulatedClock(1e9)
    async with play_with("max_conversations: 3", tmp_path, clock=clock) as play:
        await say(play, "theirs", "b", who=BOB)
        for name in ("c1", "c2", "c3", "c1"):
            clock.advance(1)
            await say(play, "x", name)
        for name in ("c4", "c4"):
            clock.advance(1)
            await say(play, "y", name)
        assert await contents(play, "c2") == []
        for name in ("c1", "c3", "c4"):
            assert await contents(play, name)
        assert await contents(play, "b", who=BOB)


async def test_a_conversation_with_a_turn_under_way_makes_no_room(tmp_path: Path) -> None:
    clock = SimulatedClock(1e9)
    async with play_with("max_conversations: 2", tmp_path, clock=clock) as play:
        for name in ("c1", "c2"):
            clock.advance(1)
            await say(play, "x", name)
        held = Held()
        play.predictor.reply = held.reply
        turn = asyncio.ensure_future(say(play, "more", "c1"))
        await asyncio.wait_for(held.asked.wait(), 5)
        play.predictor.reply = echoing().reply
        await say(play, "y", "c3")
        held.go.set()
        await turn
        assert await contents(play, "c1") == ["x", "re: x", "more", "late"]
        assert await contents(play, "c2") == []
