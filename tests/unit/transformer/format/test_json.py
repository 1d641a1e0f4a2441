"""Answers that must be JSON are JSON, or are refused; nothing about a schema runs away."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.formatting.conformity import NoJson, conform
from pilotlight_transformer.formatting.patterns import matches
from pilotlight_transformer.formatting.schema import Schema, TooMuchWork
from pilotlight_transformer.pipeline.answer import Answer
from tests.unit.transformer.format.kit import a_delta, events_of, message_of, playing, reasons_of
from tests.unit.transformer.playing import Play, PlayedPredictor, a_call, a_chat, chat_stream

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city"],
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
GOOD = '{"city": "Basel", "people": 1}'
BROKEN = "Here it is:\n```json\n{city: 'Basel', \"people\": 1,}\n```"


@pytest.mark.parametrize("stream", [False, True])
async def test_good_json_goes_on_as_the_model_wrote_it(tmp_path: Path, stream: bool) -> None:
    async with playing(tmp_path, GOOD[:9], GOOD[9:], json={"stream": "hold"}) as play:
        client = await play.ask(a_chat(stream=stream, response_format=FORMAT))
        assert (client.text if stream else message_of(client.document)) == GOOD


@pytest.mark.parametrize("stream", [False, True])
async def test_broken_json_is_repaired_before_it_goes_out(tmp_path: Path, stream: bool) -> None:
    async with playing(tmp_path, BROKEN[:20], BROKEN[20:], json={"stream": "hold"}) as play:
        call = a_call(a_chat(stream=stream, response_format=FORMAT))
        client = await play.send(call)
        text = client.text if stream else message_of(client.document)
        assert json.loads(text) == {"city": "Basel", "people": 1}
        assert [decision.what for decision in call.decisions] == ["repaired"]


@pytest.mark.parametrize(
    ("text", "on_fault"), [(BROKEN, "refuse"), ("no json at all", "repair"), ("[1]", "repair")]
)
async def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str, on_fault: str) -> None:
    async with playing(tmp_path, text, json={"on_fault": on_fault, "stream": "hold"}) as play:
        call = a_call(a_chat(response_format=FORMAT))
        client = await play.send(call)
        assert client.status == 502
        assert "Basel" not in client.document["error"]["message"]
        client = await play.ask(a_chat(stream=True, response_format=FORMAT))
        assert client.text == ""
        assert client.events[-2]["error"]["code"] == "bad_gateway"
        assert not reasons_of(client.events)


async def test_a_stream_that_passes_is_checked_at_its_end(tmp_path: Path) -> None:
    async with playing(tmp_path, BROKEN, json={"stream": "pass"}) as play:
        client = await play.ask(a_chat(stream=True, response_format=FORMAT))
        assert client.text == BROKEN
        assert client.events[-2]["error"]["code"] == "bad_gateway"
        assert not reasons_of(client.events)


async def test_only_requests_that_want_json_are_checked(tmp_path: Path) -> None:
    async with playing(tmp_path, "no json", json={}) as play:
        assert (await play.ask(a_chat())).status == 200
        assert (await play.ask(a_chat(response_format={"type": "text"}))).status == 200
        assert (await play.ask(a_chat(response_format={"type": "json_object"}))).status == 502
    async with playing(tmp_path, "no json", json={"from_request": False}) as play:
        assert (await play.ask(a_chat(response_format=FORMAT))).status == 200


async def test_a_schema_of_the_settings_is_for_every_answer(tmp_path: Path) -> None:
    async with playing(tmp_path, '{"town": 1}', json={"schema": CITY}) as play:
        assert (await play.ask(a_chat())).status == 502
        assert (await play.ask(a_chat(response_format={"type": "json_object"}))).status == 502


async def test_each_choice_is_checked(tmp_path: Path) -> None:
    events = [
        a_delta(GOOD, 0),
        a_delta(BROKEN, 1),
        a_delta(None, 0, "stop"),
        a_delta(None, 1, "stop"),
    ]
    async with playing(tmp_path, json={"stream": "hold"}) as play:
        play.predictor.reply = lambda call: events_of(*events, "[DONE]")
        client = await play.ask(a_chat(stream=True, n=2, response_format=FORMAT))
        texts: dict[int, str] = {}
        for event in client.events[:-1]:
            for choice in event["choices"]:
                index = choice["index"]
                texts[index] = texts.get(index, "") + (choice["delta"].get("content") or "")
        assert texts[0] == GOOD
        assert json.loads(texts[1]) == json.loads(GOOD)


async def test_a_held_stream_without_a_finish_reason_is_checked_too(tmp_path: Path) -> None:
    for text, whole in ((GOOD, True), ("no", False)):
        async with playing(tmp_path, json={"stream": "hold", "on_fault": "refuse"}) as play:
            play.predictor.reply = lambda call, text=text: events_of(a_delta(text), "[DONE]")  # type: ignore[misc]
            client = await play.ask(a_chat(stream=True, response_format=FORMAT))
            assert client.text == (GOOD if whole else "")
            errors = [event for event in client.events[:-1] if "error" in event]
            assert len(errors) == (0 if whole else 1)


async def test_what_is_held_of_a_stream_that_a_step_cut_short_is_not_sent(tmp_path: Path) -> None:
    pipeline = "- tests.unit.transformer.cache.cutting:CutsShort\n"
    pipeline += "- format: {json: {stream: hold, on_fault: refuse}}"
    predictor = PlayedPredictor(lambda call: chat_stream(GOOD[:9], GOOD[9:]))
    async with Play(pipeline, tmp_path, predictor) as play:
        body = a_chat(stream=True, response_format=FORMAT)
        client = await play.ask(body, headers={"x-cut": "1"})
        assert (client.text, client.events[-1]) == ("", "[DONE]")
        assert not [event for event in client.events[:-1] if "error" in event]


async def test_what_is_said_beside_a_tool_call_is_no_json_answer(tmp_path: Path) -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"role": "assistant", "content": "I look it up.", "tool_calls": calls}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    delta = {"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}
    events = [a_delta("I look it up."), {"choices": [delta]}, a_delta(None, 0, "stop")]
    async with playing(tmp_path, json={"stream": "hold"}) as play:
        play.predictor.reply = lambda call: Answer.of(answer)
        assert (await play.ask(a_chat(response_format=FORMAT))).document == answer
        play.predictor.reply = lambda call: events_of(*events, "[DONE]")
        client = await play.ask(a_chat(stream=True, response_format=FORMAT))
        assert client.text == "I look it up."
        assert reasons_of(client.events) == ["stop"]


async def test_a_text_that_is_too_long_to_be_checked_is_refused(tmp_path: Path) -> None:
    async with playing(tmp_path, '"' + "x" * 200 + '"', json={"max_characters": 100}) as play:
        assert (await play.ask(a_chat(response_format=FORMAT))).status == 502


async def test_a_check_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    # The repair of this text takes time that grows with the square of its length.
    slow = "[1 2 3" + ' "a' * 2_600
    async with playing(tmp_path, slow, json={"timeout_s": 0.05}) as play:
        client = await play.ask(a_chat(response_format={"type": "json_object"}))
        assert client.status == 502
        assert "too long" in client.document["error"]["message"]


DEEP: dict[str, Any] = {}
for _ in range(60):
    DEEP = {"items": DEEP}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.org/schema.json"},
        {"properties": {"a": {"$dynamicRef": "http://127.0.0.1:1/x"}}},
        {"allOf": [{"$ref": "file:///etc/passwd"}]},
        {"$ref": "other.json"},
        {"type": "nothing"},
        {"description": "x" * 40_000},
        DEEP,
        "a text",
        None,
    ],
)
async def test_a_schema_that_cannot_be_used_is_refused_before_the_model_is_asked(
    tmp_path: Path, schema: object
) -> None:
    wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
    async with playing(tmp_path, GOOD, json={}) as play:
        client = await play.ask(a_chat(response_format=wanted))
        assert client.status == 400
        assert client.document["error"]["param"] == "response_format"
        assert not play.predictor.asked


async def test_a_schema_that_is_missing_or_misplaced_is_told(tmp_path: Path) -> None:
    async with playing(tmp_path, GOOD, json={}) as play:
        for given_, status in (([], 400), ({}, 200), (None, 400)):
            wanted: dict[str, object] = {"type": "json_schema", "json_schema": given_}
            assert (await play.ask(a_chat(response_format=wanted))).status == status


def test_a_schema_may_point_into_itself() -> None:
    tree = {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}, "type": "array"}},
    }
    assert Schema(tree).fault([[], [[]]]) is None
    assert Schema(tree).fault([[1]]) == "type"


def test_a_property_may_have_any_name() -> None:
    names = {"$ref": {"type": "string"}, "patternProperties": {"type": "string"}}
    schema = {"properties": names, "enum": [{"$ref": "x"}]}
    assert Schema(schema).fault({"$ref": "x"}) is None
    assert Schema(schema).fault({"$ref": 1}) is not None


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ({"$ref": "#"}, 1),
        (
            {
                "$ref": "#/$defs/d0",
                "$defs": {
                    **{f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)},
                    "d30": {},
                },
            },
            1,
        ),
        ({"items": {"anyOf": [*[{"type": "null"}] * 1_000, {"type": "integer"}]}}, [1] * 50_000),
        ({"items": {"properties": {f"p{i}": {} for i in range(2_000)}}}, [{}] * 50_000),
    ],
)
def test_a_schema_with_too_much_work_is_given_up(schema: object, document: object) -> None:
    began = time.monotonic()
    with pytest.raises(TooMuchWork):
        Schema(schema).fault(document)
    assert time.monotonic() - began < 30


def test_items_are_compared_in_linear_time_and_as_json_does() -> None:
    unique = Schema({"uniqueItems": True})
    assert unique.fault([1, True, "1", [1], {"a": 1}, {"a": True}]) is None
    assert unique.fault([1, 1.0]) == "uniqueItems"
    assert unique.fault([{"a": 1, "b": 2}, {"b": 2, "a": 1}]) == "uniqueItems"
    began = time.monotonic()
    assert unique.fault([{"a": index} for index in range(50_000)]) is None
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", "2026-01-31", True),
        (r"^\d{4}-\d{2}-\d{2}$", "31.1.2026", False),
        (r"^[^@]+@[^@]+\.[^@]+$", "someone@example.org", True),
        (r"^(a+)+$", "a" * 40 + "b", None),
        (r"(a|a)*b", "a" * 40, None),
        (r"(x+x+)+y", "x" * 40, None),
        ("a?" * 40 + "a" * 40, "a" * 40, None),
        (r"(?=(a+))\1b", "a" * 40, None),
        (r".*.*.*.*x", "a" * 3_000, None),
        ("(", "x", None),
        ("x" * 1_000, "x", None),
    ],
)
def test_a_pattern_is_used_only_where_it_is_sure_to_end_soon(
    pattern: str, text: str, found: bool | None
) -> None:
    began = time.monotonic()
    assert matches(pattern, text) is found
    assert time.monotonic() - began < 2


def test_patterns_of_properties_are_not_checked_nor_what_they_would_allow() -> None:
    schema = {"patternProperties": {"^(a+)+$": False}, "additionalProperties": False}
    assert Schema(schema).fault({"a" * 40 + "b": 1}) is None


def test_a_pattern_counts_where_it_can_be_checked() -> None:
    assert Schema({"pattern": "^[a-z]+$"}).fault("abc") is None
    assert Schema({"pattern": "^[a-z]+$"}).fault("ABC") == "pattern"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=3), _VALUES), st.text(max_size=30))
def test_what_comes_out_fits_whatever_went_in(document: dict[str, object], noise: str) -> None:
    schema = Schema({"type": "object"})
    written = json.dumps(document)
    assert conform(written, schema, repair=True) == written
    for text in (written[:-1], noise + written, noise):
        try:
            fitting = conform(text, schema, repair=True)
        except NoJson:
            continue
        assert isinstance(json.loads(fitting), dict)
        fitting.encode()


def test_half_a_character_is_written_so_that_it_can_be_sent() -> None:
    fitting = conform('{"a": "\\ud800",}', Schema({}), repair=True)
    fitting.encode()
    assert json.loads(fitting) == {"a": "\ud800"}


@pytest.mark.parametrize("text", ['{"a": NaN}', "[" * 5_000, '{"a": ' + "9" * 5_000 + "}"])
def test_what_python_alone_reads_is_no_json(text: str) -> None:
    with pytest.raises(NoJson):
        conform(text, Schema({"type": "object"}), repair=False)


def test_a_fault_tells_the_keyword_and_not_the_text() -> None:
    with pytest.raises(NoJson, match="`required`") as caught:
        conform('{"secret": 1}', Schema(CITY), repair=False)
    assert "secret" not in str(caught.value)


def test_a_refusal_of_a_schema_names_what_is_wrong() -> None:
    with pytest.raises(InvalidRequest, match="nothing is fetched"):
        Schema({"$ref": "https://example.org"})
