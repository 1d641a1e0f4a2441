"""What is kept, for whom, and what is never kept."""

import json
from pathlib import Path

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight.errors import BadGateway, UsageError
from pilotlight_transformer.caching.entry import Entry, Origin
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.target import Target
from tests.unit.transformer.cache.kit import (
    Held,
    a_question,
    of_revision,
    playing,
    step_of,
    tenant,
    x_cache,
)
from tests.unit.transformer.playing import Play, PlayedPredictor, a_call, chat_answer, chat_stream


async def test_the_second_equal_request_is_answered_without_the_model(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        first = await play.ask(a_question())
        second = await play.ask(a_question())
        assert (x_cache(first), x_cache(second)) == ("miss", "hit")
        assert second.body == first.body
        assert second.headers.get(b"content-type") == b"application/json"
        assert len(play.predictor.asked) == 1


async def test_a_stream_is_replayed_byte_for_byte(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        first = await play.ask(a_question(stream=True))
        second = await play.ask(a_question(stream=True))
        assert x_cache(second) == "hit"
        assert second.body == first.body
        assert second.headers.get(b"content-type") == b"text/event-stream"
        assert second.text == "hi"


async def test_a_stream_is_kept_whole_however_the_network_cut_it(tmp_path: Path) -> None:
    predictor = PlayedPredictor(lambda call: chat_stream("a", "b", cut=7))
    async with playing(tmp_path, predictor) as play:
        await play.ask(a_question(stream=True))
        second = await play.ask(a_question(stream=True))
        assert x_cache(second) == "hit"
        assert second.text == "ab"


async def test_a_whole_answer_and_a_stream_are_two_answers(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        await play.ask(a_question())
        assert x_cache(await play.ask(a_question(stream=True))) == "miss"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"temperature": 0.7}, "not deterministic"),
        ({"temperature": None}, "not deterministic"),
        ({"temperature": False}, "not deterministic"),
        ({"temperature": "0"}, "not deterministic"),
        ({"temperature": 1, "seed": True}, "not deterministic"),
        ({"n": 2}, "several choices"),
        ({"best_of": 3}, "several choices"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"tools": "all"}, "tools"),
        ({"web_search_options": {}}, "tools"),
        ({"stream": 1}, "body"),
    ],
)
async def test_what_may_differ_always_goes_to_the_model(
    tmp_path: Path, more: dict[str, object], why: str
) -> None:
    async with playing(tmp_path) as play:
        for _ in range(2):
            call = a_call({**a_question(), **more})
            client = await play.send(call)
            assert x_cache(client) == "bypass"
            assert call.facts.cache == "bypass"
            assert [decision.why for decision in call.decisions] == [why]
        assert len(play.predictor.asked) == 2


async def test_a_seed_or_a_function_does_not_keep_an_answer_from_being_kept(tmp_path: Path) -> None:
    body = a_question(temperature=1, seed=7, tools=[{"type": "function", "function": {}}])
    async with playing(tmp_path) as play:
        await play.ask(body)
        assert x_cache(await play.ask(body)) == "hit"
        assert x_cache(await play.ask({**body, "seed": 8})) == "miss"


async def test_media_at_an_address_is_looked_at_anew(tmp_path: Path) -> None:
    def asking(url: str) -> dict[str, object]:
        part = {"type": "image_url", "image_url": {"url": url}}
        return {**a_question(), "messages": [{"role": "user", "content": [part]}]}

    async with playing(tmp_path) as play:
        assert x_cache(await play.ask(asking("https://example.org/now.png"))) == "bypass"
        assert x_cache(await play.ask(asking("data:image/png;base64,AAAA"))) == "miss"


async def test_embeddings_are_kept_and_other_routes_are_not(tmp_path: Path) -> None:
    def reply(call: Call) -> Answer:
        return Answer.of({"object": "list", "data": [{"embedding": [1.0]}], "predictions": [1]})

    async with playing(tmp_path, PlayedPredictor(reply)) as play:
        body = {"model": "m", "input": "a"}
        await play.ask(body, path="/v1/embeddings")
        assert x_cache(await play.ask(body, path="/v1/embeddings")) == "hit"
        for path in ("/v1/models/m:predict", "/v1/responses", "/v1/messages", "/tokenize"):
            for _ in range(2):
                client = await play.ask({**body, "temperature": 0}, path=path)
                assert x_cache(client) is None
        assert len(play.predictor.asked) == 1 + 2 * 4


async def test_a_body_that_is_no_json_is_the_predictors_to_refuse(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        for body in (b"{", b'{"a": "\\ud800", "temperature": 0}', b"[1]"):
            client = await play.send(a_call(body))
            assert (client.status, x_cache(client)) == (200, "bypass")


async def test_no_answer_goes_to_another_tenant(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        await play.ask(a_question(), identity=tenant("a"))
        assert x_cache(await play.ask(a_question(), identity=tenant("b"))) == "miss"
        assert x_cache(await play.ask(a_question(), identity=tenant("a", "other"))) == "hit"


@pytest.mark.parametrize(
    ("scope", "same_tenant", "other_tenant"),
    [("key", "miss", "miss"), ("everyone", "hit", "hit")],
)
async def test_the_scope_says_who_shares(
    tmp_path: Path, scope: str, same_tenant: str, other_tenant: str
) -> None:
    async with playing(tmp_path, scope=scope) as play:
        await play.ask(a_question(), identity=tenant("a", "k1"))
        assert x_cache(await play.ask(a_question(), identity=tenant("a", "k2"))) == same_tenant
        assert x_cache(await play.ask(a_question(), identity=tenant("b", "k3"))) == other_tenant


@pytest.mark.parametrize("scope", ["tenant", "everyone"])
async def test_credentials_that_nobody_has_checked_part_the_answers(
    tmp_path: Path, scope: str
) -> None:
    async with playing(tmp_path, scope=scope) as play:
        await play.ask(a_question(), headers={"authorization": "Bearer good"})
        wrong = await play.ask(a_question(), headers={"authorization": "Bearer wrong"})
        assert x_cache(wrong) == "miss"
        assert x_cache(await play.ask(a_question())) == "miss"


async def test_a_header_that_chooses_the_upstream_parts_the_answers(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        await play.ask(a_question(), headers={"x-priority": "batch"})
        assert x_cache(await play.ask(a_question())) == "miss"


async def test_the_user_is_no_part_of_the_question_and_unknown_fields_are(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        await play.ask(a_question(user="a"))
        assert x_cache(await play.ask(a_question(user="b"))) == "hit"
        assert x_cache(await play.ask(a_question(new_field=1))) == "miss"


@pytest.mark.parametrize("said", ["no-store", "NO-STORE, max-age=3"])
async def test_no_store_keeps_the_cache_out_of_it(tmp_path: Path, said: str) -> None:
    async with playing(tmp_path) as play:
        assert x_cache(await play.ask(a_question(), headers={"cache-control": said})) == "bypass"
        assert x_cache(await play.ask(a_question())) == "miss"


@pytest.mark.parametrize("wish", ["no-cache", "max-age=0"])
async def test_no_cache_brings_a_fresh_answer_that_is_kept(tmp_path: Path, wish: str) -> None:
    said = iter(["old", "new"])
    async with playing(tmp_path, PlayedPredictor(lambda call: chat_answer(next(said)))) as play:
        await play.ask(a_question())
        fresh = await play.ask(a_question(), headers={"cache-control": wish})
        assert x_cache(fresh) == "miss"
        assert (await play.ask(a_question())).body == fresh.body


def _with_reason(reason: object) -> Answer:
    choice = {"index": 0, "message": {"content": "x"}, "finish_reason": reason}
    return Answer.of({"choices": [choice]})


def _encoded() -> Answer:
    answer = chat_answer("x")
    answer.headers.put(b"content-encoding", b"gzip")
    return answer


@pytest.mark.parametrize(
    "bad",
    [
        Answer.of({"error": {"message": "no"}}, 500),
        Answer.of({"error": {"message": "no"}}, 400),
        Answer.of({"error": {"message": "no"}}),
        Answer.of({"choices": []}),
        _with_reason("error"),
        _with_reason("abort"),
        _with_reason({}),
        _with_reason([]),
        _with_reason(None),
        _encoded(),
        chat_answer("x" * 2_000),
    ],
)
async def test_what_is_no_good_answer_is_not_kept(tmp_path: Path, bad: Answer) -> None:
    predictor = PlayedPredictor(lambda call: Answer(bad.status, bad.headers.copy(), bad.body))
    async with playing(tmp_path, predictor, max_answer_bytes=1_024) as play:
        first = await play.ask(a_question())
        assert (first.status, x_cache(first)) == (bad.status, "miss")
        assert x_cache(await play.ask(a_question())) == "miss"
        assert len(play.predictor.asked) == 2


def _error_inside() -> Answer:
    held = Held()
    held.say("a")
    held.raw(b'data: {"error": {"message": "no"}}\n\n')
    held.finish()
    return held.answer()


def _without_reason() -> Answer:
    held = Held()
    held.say("a")
    held.raw(b"data: [DONE]\n\n")
    held.raw(b"")
    held.fail(BadGateway("broke off"))
    return held.answer()


@pytest.mark.parametrize(
    "bad",
    [
        lambda: chat_stream("a", done=False),
        lambda: chat_stream("a", fail=BadGateway("broke off")),
        lambda: chat_stream("a" * 2_000),
        _error_inside,
        _without_reason,
    ],
)
async def test_a_stream_that_did_not_come_to_its_end_is_not_kept(
    tmp_path: Path, bad: object
) -> None:
    assert callable(bad)
    predictor = PlayedPredictor(lambda call: bad())
    async with playing(tmp_path, predictor, max_answer_bytes=1_024) as play:
        await play.ask(a_question(stream=True))
        assert x_cache(await play.ask(a_question(stream=True))) == "miss"


@pytest.mark.parametrize("odd", ['[{"index": 0, "finish_reason": {}}]', "5"])
async def test_a_predictors_odd_stream_goes_out_and_is_not_kept(
    tmp_path: Path, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    def reply(_: object) -> Answer:
        held = Held()
        held.raw(f'data: {{"choices": {odd}}}\n\n'.encode())
        held.finish()
        return held.answer()

    async with playing(tmp_path, PlayedPredictor(reply)) as play:
        for _ in range(2):
            client = await play.ask(a_question(stream=True))
            assert (x_cache(client), client.finished) == ("miss", True)
            assert client.body.endswith(b"[DONE]\n\n")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_stream_that_another_step_cut_short_is_not_kept(tmp_path: Path) -> None:
    pipeline = "- tests.unit.transformer.cache.cutting:CutsShort\n- cache"
    predictor = PlayedPredictor(lambda call: chat_stream("a", "b", "c"))
    async with Play(pipeline, tmp_path, predictor) as play:
        first = await play.ask(a_question(stream=True), headers={"x-cut": "1"})
        assert (first.text, first.events[-1]) == ("a", "[DONE]")
        assert x_cache(await play.ask(a_question(stream=True))) == "miss"


async def test_answers_grow_old(tmp_path: Path) -> None:
    clock = SimulatedClock(1_000.0)
    async with playing(tmp_path, clock=clock, ttl_s=60) as play:
        await play.ask(a_question())
        clock.advance(59)
        assert x_cache(await play.ask(a_question())) == "hit"
        clock.advance(1)
        assert x_cache(await play.ask(a_question())) == "miss"
        assert x_cache(await play.ask(a_question())) == "hit"


async def test_memory_stays_in_its_bound_and_forgets_what_was_used_longest_ago(
    tmp_path: Path,
) -> None:
    async with playing(tmp_path, max_bytes=4_000, max_answer_bytes=4_000) as play:
        for index in range(40):
            await play.ask(a_question(f"question {index}"))
            await play.ask(a_question("question 0"))
            assert step_of(play)._shelf.memory.bytes <= 4_000
        assert x_cache(await play.ask(a_question("question 0"))) == "hit"
        assert x_cache(await play.ask(a_question("question 1"))) == "miss"


async def test_the_answer_of_a_fallback_is_not_kept(tmp_path: Path) -> None:
    targets = (Target("strong", "127.0.0.1"), Target("cheap", "127.0.0.1"))

    async with playing(tmp_path) as play:
        for upstream, expected in (("cheap", "miss"), ("strong", "miss"), ("strong", "hit")):
            call = a_call(a_question())
            call.targets, call.facts.upstream = targets, upstream
            assert x_cache(await play.send(call)) == expected
        call = a_call(a_question())
        call.targets = targets[::-1]
        assert x_cache(await play.send(call)) == "miss"


async def test_answers_without_a_revision_are_not_kept_if_one_is_required(tmp_path: Path) -> None:
    async with playing(tmp_path, require_revision=True) as play:
        await play.ask(a_question())
        assert x_cache(await play.ask(a_question())) == "miss"
        play.predictor.reply = lambda call: of_revision(chat_answer("x"), "r1")
        await play.ask(a_question())
        assert x_cache(await play.ask(a_question())) == "hit"


async def test_a_hit_tells_the_revision_and_the_calls_own_facts(tmp_path: Path) -> None:
    predictor = PlayedPredictor(lambda call: of_revision(chat_answer("x"), "r1"))
    async with playing(tmp_path, predictor) as play:
        await play.ask(a_question())
        call = a_call(a_question())
        client = await play.send(call)
        assert (call.facts.cache, call.facts.revision) == ("hit", "r1")
        assert client.headers.get(b"x-pilotlight-revision") == b"r1"
        assert call.facts.response_id is None


async def test_each_request_is_counted_by_what_became_of_it(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        for body in (a_question(), a_question(), a_question(temperature=1)):
            await play.ask(body)
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for collector in play.pipeline.collectors()
            for metric in collector.collect()
            for sample in metric.samples
        }
        name = "pilotlight_transformer_cache_requests_total"
        assert [samples[name, result] for result in ("hit", "miss", "shared", "bypass")] == [
            1,
            1,
            0,
            1,
        ]
        assert samples["pilotlight_transformer_cache_bytes",] > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"ttl_s": 0},
        {"scope": "world"},
        {"ignored": ["messages"]},
        {"vary": ["not a header"]},
        {"max_bytes": 2_000},
        {"semantic": {}},
        {"semantic": {"model": "e", "threshold": 1.5}},
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="pipeline: cache"):
        Play(f"- cache: {json.dumps(settings)}", tmp_path)


def test_no_answer_is_read_from_what_another_key_or_program_wrote() -> None:
    entry = Entry("k", Origin("u", "m"), "r", False, b"{}\n{}")
    assert Entry.decode(entry.encode(), "k") == entry
    assert Entry.decode(entry.encode(), "other") is None
    for data in (None, b"", b"[]\n", b"{", b"[1,2,3,4,5]\nx", json.dumps("x").encode(), 7):
        assert Entry.decode(data, "k") is None


async def test_a_name_that_means_two_models_has_two_answers(tmp_path: Path) -> None:
    pipeline = """
- route:
    models:
      small: {url: "http://127.0.0.1:1"}
      large: {url: "http://127.0.0.1:2"}
    aliases: {tenants: {a: {fast: small}, b: {fast: large}}}
- cache: {scope: everyone}
"""
    predictor = PlayedPredictor(lambda call: chat_answer(call.targets[0].name))
    async with Play(pipeline.strip(), tmp_path, predictor) as play:
        said = []
        for name in ("a", "b", "a"):
            client = await play.ask(a_question(model="fast"), identity=tenant(name))
            document = client.document
            said.append((document["choices"][0]["message"]["content"], x_cache(client)))
            assert document["model"] == "fast"
        assert [result for _, result in said] == ["miss", "miss", "hit"]
        assert said[0][0] == said[2][0] != said[1][0]
