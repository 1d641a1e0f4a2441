"""Feedback finds the answer that it is about, for those who got it and nobody else."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.clock import SimulatedClock
from pilotlight.errors import BadGateway, InvalidRequest, UsageError
from pilotlight_transformer.feedback.given import read_feedback
from pilotlight_transformer.feedback.redis import RedisLabels
from pilotlight_transformer.feedback.scores import Scores
from pilotlight_transformer.feedback.sqlite import SqliteLabels
from pilotlight_transformer.feedback.store import Entry, Labels
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Identity
from pilotlight_transformer.pipeline.headers import Headers
from pilotlight_transformer.pipeline.route import Route
from tests.unit.transformer.feedback.opinions import (
    ALICE,
    BOB,
    Numbered,
    asked,
    counted,
    give,
    play_with,
)
from tests.unit.transformer.playing import (
    Play,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)
from tests.unit.transformer.redis_server import RedisServer


class Place:
    """One of the two stores."""

    def __init__(self, folder: Path, redis: str | None) -> None:
        self.folder, self.redis = folder, redis

    def play(self, settings: str = "", predictor: Numbered | None = None, **more: Any) -> Play:
        return play_with(settings, self.folder, predictor, redis=self.redis, **more)

    def labels(self) -> Labels:
        if self.redis is not None:
            return RedisLabels(self.redis)
        return SqliteLabels(self.folder / "feedback.db")

    def entries(self) -> list[Entry]:
        labels = self.labels()
        try:
            return [entry for _, entry in labels.after("", 1000)]
        finally:
            labels.close()


@pytest.fixture(params=["sqlite", "redis"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer
) -> AsyncIterator[Place]:
    if request.param == "sqlite":
        yield Place(tmp_path, None)
        return
    import redis.asyncio

    async with redis.asyncio.Redis.from_url(redis_server.url) as client:
        await client.flushall()
    yield Place(tmp_path, redis_server.url)


@pytest.mark.parametrize("stream", [False, True])
async def test_feedback_is_joined_with_what_was_known_of_the_answer(
    place: Place, stream: bool
) -> None:
    clock = SimulatedClock(1e9)
    async with place.play(clock=clock) as play:
        answer = await asked(play, stream=stream, stream_options={"include_usage": True})
        clock.advance(60)
        client = await give(play, answer, score=-0.5, flag="wrong")
    assert (client.status, client.document) == (
        200,
        {
            "object": "feedback",
            "response_id": answer,
            "change": 1,
            "queued_for_labelling": True,
        },
    )
    (entry,) = place.entries()
    assert entry["feedback"] == {"at": 1e9 + 60, "score": -0.5, "flag": "wrong"}
    known = entry["answer"]
    assert known["at"] == 1e9
    assert (known["tenant"], known["response_id"]) == ("alice", answer)
    assert (known["request_id"], known["route"], known["model"]) == ("request-1", "chat", "m")
    assert (known["revision"], known["upstream"]) == ("r1", "main")
    assert (known["finish_reason"], known["stream"]) == ("stop", stream)
    if not stream:
        assert (known["prompt_tokens"], known["completion_tokens"]) == (5, 7)
    assert (known["first_token_s"] is not None) is stream
    assert "text" not in entry


async def test_only_who_got_an_answer_may_speak_about_it(place: Place) -> None:
    async with place.play() as play:
        answer = await asked(play)
        for who, about in ((BOB, answer), (ALICE, "answer-7"), (ALICE, answer + "x")):
            refused = await give(play, about, who, score=1)
            assert (refused.status, refused.document["error"]["code"]) == (404, "not_found")
        assert counted(play)["score_count r1"] == 0
        assert (await give(play, answer, score=1)).status == 200


async def test_tenants_whose_names_look_alike_are_not_alike(place: Place) -> None:
    names = ["a", "a:answer-1", "{a}", "a\x00", "", "é", "\ud800"]
    for name in names:
        # Each has a predictor of its own that begins at answer-1.
        async with place.play() as play:
            for other in names:
                status = (await give(play, "answer-1", Identity(other), comment="x")).status
                assert status == (200 if names.index(other) < names.index(name) else 404)
            assert await asked(play, Identity(name)) == "answer-1"


async def test_later_feedback_takes_the_place_of_earlier_and_both_are_kept(place: Place) -> None:
    async with place.play("max_changes: 3") as play:
        answer = await asked(play)
        assert (await give(play, answer, score=-1, flag=True)).document["change"] == 1
        assert (await give(play, answer, score=1, correction="ho")).document["change"] == 2
        (entry,) = place.entries()
        assert (entry["feedback"]["score"], entry["feedback"]["correction"]) == (1, "ho")
        assert (await give(play, answer, flag=False)).document["queued_for_labelling"] is False
        assert place.entries() == []
        often = await give(play, answer, score=0)
        assert (often.status, often.document["error"]["code"]) == (409, "conflict")
        assert counted(play)["score_count r1"] == counted(play)["score_bucket r1 -1.0"] == 1
        assert counted(play)["flagged_total r1"] == 1
    if place.redis is None:
        with sqlite3.connect(place.folder / "feedback.db") as connection:
            rows = connection.execute("SELECT given FROM feedback ORDER BY seq").fetchall()
        assert [json.loads(row[0]).get("score") for row in rows] == [-1, 1, None]


async def test_a_first_score_may_come_after_a_comment(place: Place) -> None:
    async with place.play() as play:
        answer = await asked(play)
        await give(play, answer, comment="hm")
        assert counted(play)["score_count r1"] == 0
        await give(play, answer, score=0)
        assert counted(play)["score_bucket r1 0.0"] == counted(play)["score_count r1"] == 1


async def test_text_is_kept_only_where_it_is_asked_for(place: Place) -> None:
    async with place.play("store_text: true") as play:
        for stream in (False, True):
            await give(play, await asked(play, text="why?", stream=stream), flag=True)
        await give(play, await asked(play, text="x" * 300_000), flag=True)
    whole, streamed, long = place.entries()
    said = {
        "messages": [{"role": "user", "content": "why?"}],
        "answer": {"role": "assistant", "content": "hi"},
    }
    assert whole["text"] == streamed["text"] == said
    assert "text" not in long


async def test_an_answer_out_of_the_cache_is_the_one_that_was_noted_first(place: Place) -> None:
    numbered = Numbered()
    async with place.play(predictor=numbered) as play:
        await asked(play)
        await give(play, "answer-1", score=1)

        def replayed(call: Any) -> Answer:
            call.facts.cache = "hit"
            return chat_answer("hi", id="answer-1")

        play.predictor.reply = replayed
        await asked(play)
        assert (await give(play, "answer-1", flag=True)).document["change"] == 2
    assert place.entries()[0]["answer"]["revision"] == "r1"


async def test_an_answer_with_an_earlier_ones_id_takes_its_place(place: Place) -> None:
    async with place.play() as play:
        play.predictor.reply = lambda call: chat_answer("hi", id="same")
        await asked(play)
        await give(play, "same", score=1)
        await asked(play)
        assert (await give(play, "same", score=1)).document["change"] == 1


@pytest.mark.parametrize("store", ["sqlite", "redis"])
async def test_replicas_share_what_they_noted(
    tmp_path: Path, redis_server: RedisServer, store: str
) -> None:
    url = redis_server.url if store == "redis" else None
    async with (
        play_with("", tmp_path, redis=url) as one,
        play_with("", tmp_path, redis=url) as two,
    ):
        assert (await give(two, await asked(one), score=1)).status == 200


SHAPES: list[tuple[str, Mapping[str, Any], Answer, str]] = [
    ("/v1/completions", {"prompt": "x"}, Answer.of({"id": "cmpl-1", "choices": []}), "cmpl-1"),
    ("/v1/responses", {"input": "x"}, Answer.of({"id": "resp-1"}), "resp-1"),
    ("/v1/messages", {"messages": []}, Answer.of({"id": "msg-1"}), "msg-1"),
    ("/v2/models/m/infer", {"inputs": []}, Answer.of({"id": "mine", "outputs": []}), "mine"),
    ("/v2/models/m/infer", {"inputs": []}, Answer.of({"outputs": []}), "request-1"),
    ("/v1/models/m:predict", {"instances": []}, Answer.of({"predictions": [1]}), "request-1"),
    ("/v1/models/m:predict", {"instances": []}, Answer(200, body=b"no JSON"), "request-1"),
    ("/v1/chat/completions", {"messages": []}, Answer.of({"id": "x" * 300}), "request-1"),
    ("/v1/chat/completions", {"messages": []}, Answer.of({"id": 7}), "request-1"),
]


@pytest.mark.parametrize(("path", "body", "answer", "response_id"), SHAPES)
async def test_every_route_on_which_a_model_writes_takes_feedback(
    tmp_path: Path, path: str, body: Mapping[str, Any], answer: Answer, response_id: str
) -> None:
    async with Play("- feedback", tmp_path, PlayedPredictor(lambda call: answer)) as play:
        assert (await play.ask(body, path=path, identity=ALICE)).status == 200
        assert (await give(play, response_id, score=1)).status == 200


async def test_a_call_over_grpc_is_noted_by_its_request_id(tmp_path: Path) -> None:
    answer = Answer(200, body=b"\x0a\x01m\xff")
    pipeline = "- feedback: {store_text: true}"
    async with Play(pipeline, tmp_path, PlayedPredictor(lambda call: answer)) as play:
        call = a_call(b"\x0a\x01m", path="/v2/models/m/infer", identity=ALICE)
        call.over_grpc = True
        assert (await play.send(call)).body == answer.body
        assert (await give(play, "request-1", score=1)).status == 200


STREAMS = [
    (
        "/v1/responses",
        [{"type": "response.created", "response": {"id": "resp-1", "model": "m"}}, {"type": "x"}],
        "resp-1",
    ),
    (
        "/v1/messages",
        [
            {"type": "message_start", "message": {"id": "msg-1", "usage": {"input_tokens": 3}}},
            {"type": "message_delta", "usage": {"output_tokens": 4}},
            {"type": "message_stop"},
        ],
        "msg-1",
    ),
    ("/v1/completions", [{"id": "cmpl-1", "choices": [{"index": 0, "text": "a"}]}], "cmpl-1"),
    ("/v1/completions", [{"odd": 1}, {"choices": [None]}], "request-1"),
]


@pytest.mark.parametrize(("path", "events", "response_id"), STREAMS)
async def test_streams_of_other_shapes_are_noted(
    tmp_path: Path, path: str, events: list[dict[str, Any]], response_id: str
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for event in events:
            yield b"data: " + json.dumps(event).encode() + b"\n\n"

    headers = Headers([(b"content-type", b"text/event-stream")])
    predictor = PlayedPredictor(lambda call: Answer(200, headers, body()))
    async with Play("- feedback", tmp_path, predictor) as play:
        await play.ask({"prompt": "x", "stream": True}, path=path, identity=ALICE)
        assert (await give(play, response_id, flag=True)).status == 200
    entry = Place(tmp_path, None).entries()[0]
    if response_id == "msg-1":
        assert (entry["answer"]["prompt_tokens"], entry["answer"]["completion_tokens"]) == (3, 4)


async def test_a_refused_request_and_an_embedding_are_not_noted(tmp_path: Path) -> None:
    async with play_with("", tmp_path) as play:
        play.predictor.reply = lambda call: Answer.of({"id": "no"}, 500)
        await play.ask(a_chat(), identity=ALICE)
        play.predictor.reply = lambda call: Answer.of({"id": "no"})
        await play.ask({"input": "x"}, path="/v1/embeddings", identity=ALICE)
        assert (await give(play, "no", score=1)).status == 404


@pytest.mark.parametrize("leaves", [False, True])
async def test_an_answer_that_was_cut_takes_feedback(tmp_path: Path, leaves: bool) -> None:
    waiting = asyncio.Event()
    answer = chat_stream("half", fail=BadGateway("gone"))
    inner = answer.body
    assert not isinstance(inner, bytes)

    async def body() -> AsyncIterator[bytes]:
        async for piece in inner:
            yield piece
            if leaves:
                waiting.set()
                await asyncio.Event().wait()

    answer.body = body()
    async with play_with("", tmp_path) as play:
        play.predictor.reply = lambda call: answer
        asking = asyncio.ensure_future(play.ask(a_chat(stream=True), identity=ALICE))
        if leaves:
            await asyncio.wait_for(waiting.wait(), 5)
            asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert (await give(play, "chatcmpl-1", flag="stopped it")).status == 200
    assert Place(tmp_path, None).entries()[0]["answer"]["finish_reason"] == (
        None if leaves else "error"
    )


BAD: list[tuple[dict[str, Any] | bytes, str | None]] = [
    ({}, "response_id"),
    ({"response_id": "a"}, None),
    ({"response_id": "", "score": 1}, "response_id"),
    ({"response_id": 7, "score": 1}, "response_id"),
    ({"response_id": "a" * 257, "score": 1}, "response_id"),
    ({"response_id": "a", "score": 1.01}, "score"),
    ({"response_id": "a", "score": "1"}, "score"),
    ({"response_id": "a", "score": True}, "score"),
    ({"response_id": "a", "flag": 1}, "flag"),
    ({"response_id": "a", "flag": "x" * 201}, "flag"),
    ({"response_id": "a", "correction": ""}, "correction"),
    ({"response_id": "a", "correction": "x" * 300_000}, "correction"),
    ({"response_id": "a", "score": 1, "my secret field": 1}, None),
    (b"[]", None),
    (b'{"response_id":"\\ud800","score":1}', None),
]


@pytest.mark.parametrize(("body", "param"), BAD)
async def test_what_is_no_feedback_is_refused(
    tmp_path: Path, body: dict[str, Any] | bytes, param: str | None
) -> None:
    async with play_with("", tmp_path) as play:
        client = await play.send(a_call(body, path="/v1/feedback", identity=ALICE))
        assert client.status == 400
        error = client.document["error"]
        assert error["param"] == param
        assert "secret" not in error["message"]


fields = st.sampled_from(["response_id", "score", "flag", "correction", "comment", "x"])
values = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.text())
)


@given(st.one_of(st.none(), st.dictionaries(fields, values)))
def test_any_document_is_feedback_or_refused(document: object) -> None:
    try:
        feedback = read_feedback(document, 100)
    except InvalidRequest:
        return
    assert feedback.response_id
    assert feedback.score is None or -1 <= feedback.score <= 1
    feedback.document(0)


async def test_an_answer_is_known_for_so_long(tmp_path: Path) -> None:
    clock = SimulatedClock(1e9)
    async with play_with("keep_s: 100", tmp_path, clock=clock) as play:
        answer = await asked(play)
        clock.advance(99)
        assert (await give(play, answer, score=1)).status == 200
        clock.advance(2)
        assert (await give(play, answer, score=1)).status == 404


async def test_a_replayed_answer_that_was_forgotten_is_known_again(tmp_path: Path) -> None:
    clock = SimulatedClock(1e9)
    async with play_with("keep_s: 100", tmp_path, clock=clock) as play:
        await asked(play)
        clock.advance(200)

        def replayed(call: Any) -> Answer:
            call.facts.cache = "hit"
            return chat_answer("hi", id="answer-1")

        play.predictor.reply = replayed
        await asked(play)
        assert (await give(play, "answer-1", score=1)).status == 200


async def test_old_labels_leave_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    async with play_with("keep_s: 0.2", tmp_path, redis=redis_server.url) as play:
        old = await asked(play)
        await give(play, old, flag=True)
        await asyncio.sleep(0.3)
        assert (await give(play, old, flag=True)).status == 404
        new = await asked(play)
        await give(play, new, flag=True)
    entries = Place(tmp_path, redis_server.url).entries()
    assert [entry["answer"]["response_id"] for entry in entries][-1:] == [new]
    assert old not in {entry["answer"]["response_id"] for entry in entries}


async def test_what_is_old_or_too_much_leaves_the_disk(tmp_path: Path) -> None:
    def rows(table: str) -> int:
        with sqlite3.connect(tmp_path / "feedback.db") as connection:
            query = f"SELECT count(*) FROM {table}"  # noqa: S608  # one of our own names
            (number,) = connection.execute(query).fetchone()
            return int(number)

    clock = SimulatedClock(1e9)
    settings = "keep_s: 100, max_answers: 80, max_labels: 10"
    async with play_with(settings, tmp_path, clock=clock) as play:
        for _ in range(129):
            await give(play, await asked(play), flag=True)
        assert rows("answer") <= 80 + 64
        assert rows("label") <= 10 + 64
        assert (await give(play, "answer-128", score=1)).status == 200
        assert (await give(play, "answer-1", score=1)).status == 404
        clock.advance(200)
        for _ in range(64):
            await asked(play)
        assert (rows("answer"), rows("feedback"), rows("label")) == (64, 0, 0)


async def test_feedback_that_is_changed_often_pushes_out_nobody_elses(place: Place) -> None:
    async with place.play("max_labels: 100") as play:
        theirs = [await asked(play, ALICE) for _ in range(5)]
        for answer in theirs:
            await give(play, answer, ALICE, flag=True)
        for _ in range(6):
            answer = await asked(play, BOB)
            for _ in range(20):
                assert (await give(play, answer, BOB, flag=True)).status == 200
        for _ in range(64):
            await asked(play, BOB)
    found = [entry["answer"]["response_id"] for entry in place.entries()]
    assert found[:5] == theirs
    assert len(found) == 11


async def test_an_answer_that_is_noted_again_pushes_out_nobody_elses(place: Place) -> None:
    async with place.play("max_answers: 20") as play:
        theirs = await asked(play, ALICE)
        play.predictor.reply = lambda _: chat_answer("hi", id="again")
        for _ in range(130):
            await asked(play, BOB)
        assert (await give(play, "again", BOB, score=1)).status == 200
        await asked(play, BOB)
        assert (await give(play, "again", BOB, score=1)).document["change"] == 1
        assert (await give(play, theirs, ALICE, score=1)).status == 200


def test_the_revisions_in_the_metrics_are_bounded_and_the_newest_stay() -> None:
    scores = Scores(2)
    for revision in ("r1", "r2", "r1", "r3", None):
        scores.answered(revision)
    labels = {
        sample.labels["predictor_revision"]
        for collector in scores.collectors()
        for metric in collector.collect()
        for sample in metric.samples
        if sample.labels
    }
    assert labels == {"r3", "unknown"}


async def test_the_header_names_the_revision_where_nobody_else_does(tmp_path: Path) -> None:
    def reply(call: Any) -> Answer:
        answer = chat_stream("a") if call.stream else chat_answer("a")
        answer.headers.put(b"x-pilotlight-revision", b"of-header")
        return answer

    async with Play("- feedback", tmp_path, PlayedPredictor(reply)) as play:
        await asked(play)
        await asked(play, stream=True)
        assert counted(play)["answers_total of-header"] == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_the_steps_outside_learn_what_was_seen(tmp_path: Path, stream: bool) -> None:
    async with play_with("", tmp_path) as play:
        call = a_call(a_chat(stream=stream), identity=ALICE)
        await play.send(call)
    assert (call.facts.response_id, call.facts.finish_reason) == ("answer-1", "stop")
    assert call.facts.completion_tokens == (None if stream else 7)


async def test_redis_must_be_named_to_be_used(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"needs stores\.redis"):
        await play_with("store: redis", tmp_path).__aenter__()


async def test_words_are_in_no_log_no_metric_and_no_decision(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with play_with("store_text: true", tmp_path) as play:
        call = a_call(a_chat("hush"), identity=ALICE)
        await play.send(call)
        about = a_call(
            {"response_id": "answer-1", "correction": "hush", "flag": "hush", "comment": "hush"},
            path="/v1/feedback",
            identity=ALICE,
        )
        assert about.route is Route.FEEDBACK
        assert (await play.send(about)).status == 200
        assert [decision.what for decision in about.decisions] == ["taken"]
        noted = f"{call.decisions} {about.decisions} {caplog.text} {counted(play)}"
        assert "hush" not in noted
