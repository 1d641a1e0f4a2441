"""Loops end, long answers are cut where people would cut them, envelopes stand around."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import BadGateway, UsageError
from pilotlight_transformer.formatting.length import cut_at
from pilotlight_transformer.formatting.repetition import LoopDetector
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from tests.unit.transformer.format.kit import (
    a_delta,
    events_of,
    message_of,
    playing,
    reasons_of,
)
from tests.unit.transformer.playing import (
    Play,
    PlayedPredictor,
    a_call,
    a_chat,
    chat_answer,
    chat_stream,
)

LOOP = "I am sorry, I cannot do that. "
REPETITION = {"repeats": 4, "min_characters": 60}


def _detector() -> LoopDetector:
    return LoopDetector(repeats=4, min_characters=60, max_period=100)


async def test_a_loop_in_a_whole_answer_is_cut_to_its_first_copy(tmp_path: Path) -> None:
    async with playing(tmp_path, "Well:\n", LOOP * 50, repetition=REPETITION) as play:
        call = a_call(a_chat())
        client = await play.send(call)
        (choice,) = client.document["choices"]
        assert choice["message"]["content"] == "Well:\n" + LOOP
        assert choice["finish_reason"] == "stop"
        assert call.facts.finish_reason == "repetition"
        assert [decision.what for decision in call.decisions] == ["repetition"]


async def test_a_loop_in_a_stream_ends_the_stream(tmp_path: Path) -> None:
    texts = ["Well:\n"] + [LOOP[:7], LOOP[7:]] * 50
    async with playing(tmp_path, *texts, repetition=REPETITION) as play:
        call = a_call(a_chat(stream=True))
        client = await play.send(call)
        assert client.text.startswith("Well:\n" + LOOP)
        assert len(client.text) <= len("Well:\n" + LOOP * 4)
        assert reasons_of(client.events) == ["stop"]
        assert client.events[-1] == "[DONE]"
        assert call.enough
        assert call.facts.finish_reason == "repetition"


async def test_one_choice_that_loops_does_not_end_the_others(tmp_path: Path) -> None:
    events = [a_delta(LOOP, index=0) for _ in range(20)]
    events += [a_delta("fine", index=1), a_delta(None, 1, "stop"), a_delta("late", index=0)]
    async with playing(tmp_path, repetition=REPETITION) as play:
        play.predictor.reply = lambda call: events_of(*events, "[DONE]")
        client = await play.ask(a_chat(stream=True, n=2))
        texts: dict[int, str] = {}
        for event in client.events[:-1]:
            for choice in event["choices"]:
                texts[choice["index"]] = texts.get(choice["index"], "") + (
                    choice["delta"].get("content") or ""
                )
        assert texts[1] == "fine"
        assert texts[0].count(LOOP) <= 4
        assert "late" not in texts[0]
        assert reasons_of(client.events) == ["stop", "stop"]


async def test_a_loop_of_thoughts_ends_the_answer_too(tmp_path: Path) -> None:
    def thought(_: object) -> Answer:
        message = {"role": "assistant", "content": None, "reasoning_content": LOOP * 30}
        return Answer.of({"choices": [{"index": 0, "message": message, "finish_reason": "length"}]})

    async with playing(tmp_path, repetition=REPETITION) as play:
        play.predictor.reply = thought
        (choice,) = (await play.ask(a_chat())).document["choices"]
        assert choice["message"] == {
            "role": "assistant",
            "content": None,
            "reasoning_content": LOOP,
        }
        assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 59,
        "The same line.\n" * 3 + "Another one, which is long enough to be no loop at all, is here.",
        "".join(f"{number}. item\n" for number in range(200)),
        "".join(f"row {number % 10} {number // 10}\n" for number in range(100)),
    ],
)
def test_lists_and_tables_are_no_loops(text: str) -> None:
    assert _detector().feed(text) is None


@given(
    st.text("ab \n", max_size=50),
    st.text("xyzw. ", min_size=1, max_size=100).filter(lambda unit: len(unit) > 0),
    st.lists(st.integers(1, 80), min_size=1, max_size=10),
)
def test_a_loop_is_found_however_it_comes_in_pieces(
    before: str, unit: str, sizes: list[int]
) -> None:
    text = before + unit * (4 + 64 // len(unit) + 1 + 60 // len(unit))
    detector, at, piece = _detector(), 0, 0
    while at < len(text):
        size = sizes[piece % len(sizes)]
        found = detector.feed(text[at : at + size])
        if found is not None:
            assert found <= size
            return
        at, piece = at + size, piece + 1
    pytest.fail("the loop went by")


@given(st.text(min_size=1, max_size=30), st.integers(0, 20))
def test_what_is_cut_off_is_a_copy_of_what_is_kept(unit: str, more: int) -> None:
    text = unit * (8 + more + 130 // len(unit))
    kept = _detector().feed(text)
    assert kept is not None
    assert 0 < kept <= len(unit)
    assert text == (text[:kept] * len(text))[: len(text)]


def test_a_long_text_is_looked_at_in_linear_time() -> None:
    began = time.monotonic()
    text = "".join(f"{number * number} words of the text. " for number in range(40_000))
    assert LoopDetector(6, 300, 500).feed(text) is None
    assert time.monotonic() - began < 20


async def test_a_text_that_is_too_long_is_cut_behind_a_word(tmp_path: Path) -> None:
    async with playing(tmp_path, "one two three four", max_characters=10) as play:
        call = a_call(a_chat())
        (choice,) = (await play.send(call)).document["choices"]
        assert choice["message"]["content"] == "one two"
        assert choice["finish_reason"] == "length"
        assert call.facts.finish_reason == "length"


async def test_a_stream_that_is_too_long_is_cut_and_ended(tmp_path: Path) -> None:
    async with playing(tmp_path, "one ", "two ", "three ", "four", max_characters=10) as play:
        client = await play.ask(a_chat(stream=True))
        assert client.text == "one two "
        assert reasons_of(client.events) == ["length"]
        assert client.events[-1] == "[DONE]"


async def test_a_text_of_just_the_length_is_left_as_it_is(tmp_path: Path) -> None:
    async with playing(tmp_path, "one two", max_characters=7) as play:
        assert (await play.ask(a_chat())).body == chat_answer("one two").body
        assert reasons_of((await play.ask(a_chat(stream=True))).events) == ["stop"]


@given(st.text(max_size=60), st.integers(0, 60))
def test_a_cut_keeps_the_limit_and_loses_no_more_than_a_word(text: str, limit: int) -> None:
    at = cut_at(text, limit)
    assert at <= limit or at == len(text) <= limit
    assert at >= min(len(text), limit) - 40


def test_no_accent_and_no_emoji_is_torn_apart() -> None:
    assert cut_at("e\u0301e\u0301", 3) == 2
    assert cut_at("ab\U0001f468\u200d\U0001f469", 4) == 2


async def test_what_describes_the_cut_text_goes_with_it(tmp_path: Path) -> None:
    answer = chat_answer("one two three").document()
    assert answer is not None
    answer["choices"][0]["logprobs"] = {"content": [{"token": "three"}]}
    async with playing(tmp_path, max_characters=8) as play:
        play.predictor.reply = lambda call: Answer.of(answer)
        assert (await play.ask(a_chat())).document["choices"][0]["logprobs"] is None


ENVELOPE = {"template": '{"model":"{model}","why":{},"text":"{text}","end":"{finish_reason}"}'}


async def test_an_envelope_stands_around_whole_answers_and_streams_alike(tmp_path: Path) -> None:
    envelope = {**ENVELOPE, "escape": "json"}
    texts = ['say "hi"\n', "\\ and ü"]
    async with playing(tmp_path, *texts, envelope=envelope) as play:
        whole = message_of((await play.ask(a_chat())).document)
        client = await play.ask(a_chat(stream=True))
        assert whole == client.text
        assert json.loads(whole) == {
            "model": "m",
            "why": {},
            "text": "".join(texts),
            "end": "stop",
        }


async def test_an_envelope_takes_no_names_from_the_text(tmp_path: Path) -> None:
    async with playing(tmp_path, "{model} {text}", envelope={"template": "<{text}>"}) as play:
        assert message_of((await play.ask(a_chat())).document) == "<{model} {text}>"


async def test_tool_calls_are_left_as_they_are(tmp_path: Path) -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}" * 200}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    settings: dict[str, Any] = {
        "repetition": REPETITION,
        "max_characters": 5,
        "envelope": {"template": "<{text}>"},
        "json": {"schema": {"type": "object"}},
    }
    async with playing(tmp_path, **settings) as play:
        play.predictor.reply = lambda call: Answer.of(answer)
        assert (await play.ask(a_chat())).document == answer
        delta = {"delta": {"tool_calls": calls}, "index": 0, "finish_reason": None}
        end = {"delta": {}, "index": 0, "finish_reason": "tool_calls"}
        events = [{"choices": [delta]}, {"choices": [end]}]
        play.predictor.reply = lambda call: events_of(*events, "[DONE]")
        seen = (await play.ask(a_chat(stream=True))).events
        assert [event["choices"][0].get("finish_reason") for event in seen[:-1]] == [
            None,
            "tool_calls",
        ]
        assert seen[0]["choices"][0]["delta"]["tool_calls"] == calls


async def test_completions_are_formatted_as_chats_are(tmp_path: Path) -> None:
    body = {"model": "m", "prompt": ["a", "b"]}
    choices = [{"index": index, "text": LOOP * 30, "finish_reason": "length"} for index in (0, 1)]
    settings: dict[str, Any] = {"repetition": REPETITION, "envelope": {"template": "<{text}>"}}
    async with playing(tmp_path, **settings) as play:
        play.predictor.reply = lambda call: Answer.of({"choices": choices})
        document = (await play.ask(body, path="/v1/completions")).document
        assert [choice["text"] for choice in document["choices"]] == [f"<{LOOP}>"] * 2
        play.predictor.reply = lambda call: events_of(
            *({"choices": [c]} for c in choices), "[DONE]"
        )
        client = await play.ask({**body, "stream": True}, path="/v1/completions")
        assert client.text == f"<{LOOP}>" * 2
        assert reasons_of(client.events) == ["stop", "stop"]


async def test_a_text_in_parts_is_cut_like_a_plain_one(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    answer = {"choices": [{"index": 0, "message": {"content": parts}, "finish_reason": "stop"}]}
    async with playing(tmp_path, max_characters=5) as play:
        play.predictor.reply = lambda call: Answer.of(answer)
        document = (await play.ask(a_chat())).document
        assert message_of(document) == [{"type": "text", "text": "one"}]


async def test_what_needs_no_change_goes_byte_for_byte(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"repetition": {}, "max_characters": 100, "json": {}}
    async with playing(tmp_path, "a", "b", **settings) as play:
        client = await play.ask(a_chat(stream=True))
        pieces = chat_stream("a", "b").body
        assert not isinstance(pieces, bytes)
        assert client.body == b"".join([piece async for piece in pieces])
        assert (await play.ask(a_chat())).body == chat_answer("ab").body


@pytest.mark.parametrize(
    "answer",
    [
        Answer.of({"error": {"message": "x" * 50}}, 400),
        Answer.of({"choices": "many"}),
        Answer.of({"choices": [None, {"message": None}, {"message": "text"}, 7]}),
        Answer.of([1]),
        Answer(200, body=b"no json"),
    ],
)
async def test_answers_of_another_shape_pass(tmp_path: Path, answer: Answer) -> None:
    async with playing(tmp_path, max_characters=1) as play:
        play.predictor.reply = lambda call: Answer(
            answer.status, answer.headers.copy(), answer.body
        )
        client = await play.ask(a_chat())
        assert (client.status, client.body) == (answer.status, answer.body)


async def test_events_of_another_shape_pass(tmp_path: Path) -> None:
    odd: list[dict[str, Any] | str] = [
        {"choices": []},
        {"choices": [None, {"index": "x"}, {"index": 0}, {"index": 0, "delta": None}]},
        {"usage": {"total_tokens": 1}},
        "no json",
    ]
    async with playing(tmp_path, max_characters=1, envelope={"template": "<{text}>"}) as play:
        play.predictor.reply = lambda call: events_of(*odd, "[DONE]")
        client = await play.ask(a_chat(stream=True))
        assert (client.status, client.finished) == (200, True)
        assert client.body.endswith(b"data: no json\n\ndata: [DONE]\n\n")


async def test_a_stream_that_breaks_off_gets_no_closing(tmp_path: Path) -> None:
    async with playing(tmp_path, envelope={"template": "<{text}>"}) as play:
        play.predictor.reply = lambda call: chat_stream("a", fail=BadGateway("reset"))
        client = await play.ask(a_chat(stream=True))
        assert client.text == "<a"
        assert client.events[-2]["error"]["code"] == "bad_gateway"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages", "/v1/models/m:predict"])
async def test_routes_whose_answers_are_not_known_can_be_off(tmp_path: Path, path: str) -> None:
    async with playing(tmp_path, max_characters=1) as play:
        assert (await play.ask(a_chat(), path=path)).status == 200
    async with playing(tmp_path, max_characters=1, other_routes="refuse") as play:
        assert (await play.ask(a_chat(), path=path)).status == 501
        assert (await play.ask(a_chat(), path="/v1/embeddings")).status == 200


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_characters": 0},
        {"repetition": {"repeats": 1}},
        {"envelope": {"template": "no text"}},
        {"envelope": {"template": "{finish_reason}{text}"}},
        {"envelope": {"template": "{text}{text}"}},
        {"json": {"schema": {"type": "nothing"}}},
        {"json": {"schema": {"$ref": "https://example.org/schema.json"}}},
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="pipeline: format"):
        Play(f"- format: {json.dumps(settings)}", tmp_path)


async def test_a_body_that_is_no_json_is_the_predictors_to_refuse(tmp_path: Path) -> None:
    async with playing(tmp_path, max_characters=1, json={}) as play:
        assert (await play.send(a_call(b'{"a": "\\ud800"}'))).status == 200


@pytest.mark.parametrize("odd", [{}, [], {"a": 1}, [["a"], 5]])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_predictors_odd_values_do_no_harm(tmp_path: Path, odd: Any, stream: bool) -> None:
    def reply(_: Call) -> Answer:
        choice = {"index": 0, "finish_reason": odd}
        if not stream:
            return Answer.of({"choices": [{**choice, "message": {"content": "{}"}}]})
        return events_of(
            {"choices": [{"index": 0, "delta": odd}]},
            {"choices": [{**choice, "delta": {"content": "{}"}}]},
            "[DONE]",
        )

    yaml = "- format: {json: {from_request: true}, max_characters: 9}"
    body = a_chat(stream=stream, response_format={"type": "json_object"})
    async with Play(yaml, tmp_path, PlayedPredictor(reply)) as play:
        client = await play.ask(body)
    assert (client.status, client.finished, client.aborted) == (200, True, False)
    assert b"error" not in client.body


async def test_an_answer_too_deep_to_be_written_again_is_the_predictors_fault(
    tmp_path: Path,
) -> None:
    def reply(_: Call) -> Answer:
        answer = chat_answer("too long a text")
        assert isinstance(answer.body, bytes)
        nest = b"[" * 300 + b"]" * 300
        answer.body = answer.body.replace(b'"content"', b'"more":' + nest + b',"content"')
        return answer

    async with Play("- format: {max_characters: 5}", tmp_path, PlayedPredictor(reply)) as play:
        client = await play.ask(a_chat())
    assert (client.status, client.document["error"]["code"]) == (502, "bad_gateway")
