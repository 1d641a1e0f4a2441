"""What is compared in two answers: words, probabilities, refusals and structure."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import OperationError
from pilotlight_canary.gate.answer import Answer, Position, ToolCall, read
from pilotlight_canary.gate.embedding import cosine
from pilotlight_canary.gate.judge import verdict
from pilotlight_canary.gate.logprobs import Drift, drift, together
from pilotlight_canary.gate.prompt import CHAT, COMPLETION, Prompt
from pilotlight_canary.gate.refusals import refuses
from pilotlight_canary.gate.similarity import Wording, same_wording
from pilotlight_canary.gate.structured import fault, is_asked_for

POSITIONS = st.lists(
    st.builds(Position, st.sampled_from("abc"), st.floats(-20, 0)), max_size=12
).map(tuple)
VECTORS = st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3)


class TestWording:
    @given(st.text(), st.text())
    async def test_texts_differ_unless_they_are_the_same_but_for_space_around(
        self, one: str, other: str
    ) -> None:
        found = await Wording().judge(Prompt("a", CHAT, {}), Answer(one), Answer(other))
        assert found.different == (one.strip() != other.strip())
        assert 0 <= found.score <= 1

    def test_how_arguments_are_spaced_and_ordered_does_not_count(self) -> None:
        def called(arguments: str) -> Answer:
            return Answer("", (ToolCall("weigh", arguments),))

        assert same_wording(called('{"a":1,"b":2}'), called('{ "b": 2, "a": 1 }'))
        assert not same_wording(called('{"a":1}'), called('{"a":2}'))
        assert not same_wording(called('{"a":1}'), Answer('{"a":1}'))
        assert same_wording(called("{oops"), called("{oops"))


class TestLogprobs:
    @given(POSITIONS)
    def test_an_answer_has_no_drift_from_itself(self, positions: tuple[Position, ...]) -> None:
        assert drift(positions, positions) == Drift(0.0, len(positions))

    @given(POSITIONS, POSITIONS)
    def test_tokens_count_up_to_the_first_that_differs(
        self, stable: tuple[Position, ...], canary: tuple[Position, ...]
    ) -> None:
        found = drift(stable, canary)
        same = 0
        for one, other in zip(stable, canary, strict=False):
            if one.token != other.token:
                break
            same += 1
        forked = same < min(len(stable), len(canary))
        assert found.tokens == same + forked
        assert found.total >= 0
        assert (found.mean is None) == (found.tokens == 0)

    def test_at_the_fork_the_canarys_probability_of_stables_token_counts(self) -> None:
        stable = (Position("a", -0.1),)
        known = (Position("b", -0.5, {"b": -0.5, "a": -2.1, "c": -4.0}),)
        unknown = (Position("b", -0.5, {"b": -0.5, "c": -4.1}),)
        assert drift(stable, known).total == pytest.approx(2.0)
        assert drift(stable, unknown).total == pytest.approx(4.0), "at least that"

    @given(st.lists(st.tuples(st.floats(0, 1e3), st.integers(1, 50)), min_size=1))
    def test_each_token_has_the_same_weight(self, parts: list[tuple[float, int]]) -> None:
        mean = together(Drift(total, tokens) for total, tokens in parts).mean
        assert mean == pytest.approx(sum(t for t, _ in parts) / sum(n for _, n in parts))


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "I'm sorry, but I can\u2019t help with that.",
            "I CANNOT provide instructions for this.",
            "As an AI, I have no opinions.",
            "Sorry, I'm unable to do this.",
            "Es tut mir leid, dabei kann ich nicht helfen.",
            "Je suis désolé, je ne peux pas répondre.",
            "抱歉\uff0c我无法回答这个问题。",
        ],
    )
    def test_refusals_are_known_in_a_few_languages(self, text: str) -> None:
        assert refuses(Answer(text))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Paris.",
            "It serves as an aid to memory.",
            "You can help yourself.",
            "Maria cannot help herself." + " She laughs." * 20,
            "He told a story. " * 20 + "I cannot help you, said the wolf.",
            "Romania is larger than Bulgaria.",
        ],
    )
    def test_other_answers_are_none(self, text: str) -> None:
        assert not refuses(Answer(text))

    def test_the_servers_mark_and_ones_own_phrases_count(self) -> None:
        assert refuses(Answer("", declined=True))
        assert refuses(Answer("Computer says no."), ["computer SAYS no"])
        assert not refuses(Answer("I cannot help", (ToolCall("help", "{}"),)))


AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
TOOL = {"type": "function", "function": {"name": "weigh", "parameters": AGE}}


def json_schema(schema: object) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}


class TestStructure:
    @given(st.dictionaries(st.text(), st.integers() | st.text()))
    def test_any_object_is_json(self, value: dict[str, Any]) -> None:
        body = {"response_format": {"type": "json_object"}}
        assert fault(body, Answer(json.dumps(value))) is None

    @given(st.text())
    def test_any_text_is_judged(self, text: str) -> None:
        body = {"response_format": {"type": "json_object"}}
        found = fault(body, Answer(text))
        try:
            valid = isinstance(json.loads(text), dict)
        except ValueError:
            valid = False
        assert (found is None) == valid

    @pytest.mark.parametrize(
        ("body", "answer", "words"),
        [
            ({}, Answer("no JSON"), None),
            (json_schema(AGE), Answer('{"age": 7}'), None),
            (json_schema(AGE), Answer('{"age": "old"}'), "not of type 'integer'"),
            (json_schema(AGE), Answer("{}"), "'age' is a required property"),
            (json_schema(AGE), Answer('{"age": 7'), "no JSON"),
            (json_schema(AGE), Answer("[" * 100_000), "no JSON"),
            (json_schema({"type": "nonsense"}), Answer("{}"), None),
            (json_schema({"$ref": "http://192.0.2.1/schema"}), Answer("{}"), None),
            ({"tools": [TOOL]}, Answer("no need"), None),
            ({"tools": [TOOL]}, Answer("", (ToolCall("weigh", '{"age": 7}'),)), None),
            ({"tools": [TOOL]}, Answer("", (ToolCall("weigh", "{"),)), "no JSON"),
            ({"tools": [TOOL]}, Answer("", (ToolCall("weigh", "{}"),)), "required property"),
            ({"tools": [TOOL]}, Answer("", (ToolCall("fly", "{}"),)), "no tool of the request"),
            ({"tools": [TOOL], "tool_choice": "required"}, Answer("hm"), "one was required"),
        ],
    )
    def test_the_fault_is_named(
        self, body: dict[str, Any], answer: Answer, words: str | None
    ) -> None:
        found = fault(body, answer)
        assert (found is None) if words is None else (words in str(found))

    def test_only_some_requests_ask_for_a_structure(self) -> None:
        assert is_asked_for(json_schema(AGE))
        assert is_asked_for({"tools": [TOOL]})
        assert not is_asked_for({"response_format": {"type": "text"}, "tools": []})


class TestMeaning:
    @given(VECTORS, VECTORS)
    def test_a_cosine_is_bounded_and_does_not_care_for_order(
        self, one: list[float], other: list[float]
    ) -> None:
        found = cosine(one, other)
        assert -1 <= found <= 1
        assert found == pytest.approx(cosine(other, one))

    @given(VECTORS.filter(any), st.floats(1e-3, 1e3))
    def test_length_does_not_count(self, vector: list[float], factor: float) -> None:
        scaled = [x / 1e10 * factor for x in vector]
        if any(scaled) and all(math.isfinite(x) for x in scaled):
            assert cosine([x / 1e10 for x in vector], scaled) == pytest.approx(1)

    def test_vectors_of_two_models_cannot_be_compared(self) -> None:
        with pytest.raises(OperationError, match="3 and 2 numbers"):
            cosine([1, 2, 3], [1, 2])

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("SAME. Both say Paris.", (False, "Both say Paris.")),
            ("**Different** - one says Rome", (True, "one says Rome")),
            ("<think>the same?</think>\nDIFFERENT: no", (True, "no")),
            ("Hard to say", None),
            ("", None),
        ],
    )
    def test_a_judges_first_word_counts(self, text: str, expected: tuple[bool, str] | None) -> None:
        assert verdict(text) == expected


class TestReading:
    def test_both_routes_probabilities_are_read(self) -> None:
        chat = {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}]}
        choice = {"message": {"content": "a"}, "logprobs": chat, "finish_reason": "stop"}
        found = read(Prompt("a", CHAT, {}), {"choices": [choice]})
        assert found.positions == (Position("a", -0.5),)
        tokens = {
            "tokens": ["a", "b"],
            "token_logprobs": [None, -9999.0],
            "top_logprobs": [None, {"c": -0.25}],
        }
        choice = {"text": "ab", "logprobs": tokens}
        found = read(Prompt("a", COMPLETION, {}), {"choices": [choice]})
        assert found.positions == (Position("a", -30.0), Position("b", -30.0, {"c": -0.25}))

    @pytest.mark.parametrize(
        "document", [{}, [], {"choices": []}, {"choices": [{"text": "a"}]}, {"choices": "ab"}, None]
    )
    def test_another_shape_is_no_answer(self, document: object) -> None:
        with pytest.raises(ValueError, match="OpenAI's shape"):
            read(Prompt("a", CHAT, {}), document)

    def test_a_refusal_in_the_message_is_one_and_not_empty(self) -> None:
        message = {"content": None, "refusal": "No."}
        found = read(Prompt("a", CHAT, {}), {"choices": [{"message": message}]})
        assert found.declined
        assert not found.is_empty
