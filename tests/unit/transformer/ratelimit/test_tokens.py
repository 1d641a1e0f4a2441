"""Tokens are counted the same wherever a stream is cut, and nothing a client says breaks it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.limits.tokens import Tally, output_tokens, prompt_tokens
from tests.unit.transformer.playing import a_call, a_chat


def an_event(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}], **more}


def a_stream(events: list[dict[str, Any]], end: bytes = b"\n\n") -> bytes:
    lines = [b"data: " + json.dumps(event).encode() + end for event in events]
    return b"".join(lines) + b"data: [DONE]" + end


TEXTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(["\ndata: x", '"usage": {"completion_tokens": 999}', "\\", '"']),
    ),
    max_size=8,
)


@given(TEXTS, st.booleans(), st.integers(1, 80), st.sampled_from([b"\n\n", b"\r\n\r\n"]))
def test_a_stream_is_counted_wherever_it_is_cut(
    texts: list[str], says_usage: bool, cut: int, end: bytes
) -> None:
    events = [an_event(text) for text in texts]
    if says_usage:
        usage = {"prompt_tokens": 31, "total_tokens": 73, "completion_tokens": 42}
        events.append({"choices": [], "usage": usage})
    stream, tally = a_stream(events, end), Tally()
    for at in range(0, len(stream), cut):
        tally.stream(stream[at : at + cut])
    assert tally.events == len(events) + 1
    assert tally.completion == (42 if says_usage else None)
    assert tally.prompt == (31 if says_usage else None)


def test_anthropics_names_are_read_too() -> None:
    tally = Tally()
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    delta = {"type": "message_delta", "usage": {"output_tokens": 77}}
    for event in (start, delta):
        tally.stream(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n")
    assert (tally.prompt, tally.completion, tally.events) == (9, 77, 2)


def test_the_usage_of_a_whole_answer_is_its_own_and_not_its_texts() -> None:
    text = '"usage": {"prompt_tokens": 1, "completion_tokens": 1}'
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": None}
    tally = Tally()
    choices = [{"message": {"content": text}}]
    tally.whole(json.dumps({"choices": choices, "usage": usage}).encode())
    assert (tally.prompt, tally.completion) == (5, 7)


@pytest.mark.parametrize(
    ("path", "body", "most"),
    [
        ("/v1/chat/completions", a_chat(max_tokens=50), 50),
        ("/v1/chat/completions", a_chat(max_tokens=50, max_completion_tokens=60), 60),
        ("/v1/chat/completions", a_chat(max_tokens="50", n=3), 150),
        ("/v1/chat/completions", a_chat(max_tokens=50.0), 50),
        ("/v1/chat/completions", a_chat(max_tokens=None), 512),
        ("/v1/chat/completions", a_chat(max_tokens=True), 512),
        ("/v1/chat/completions", a_chat(max_tokens=-5), 512),
        ("/v1/chat/completions", a_chat(max_tokens=10**30), 10**9),
        ("/v1/chat/completions", a_chat(max_tokens=[1]), 512),
        ("/v1/completions", {"prompt": ["a", "b"], "max_tokens": 10, "best_of": 4}, 80),
        ("/v1/completions", {"prompt": [1, 2, 3], "max_tokens": 10}, 10),
        ("/v1/completions", {"prompt": [[1, 2], [3]], "max_tokens": 10}, 20),
        ("/v1/responses", {"input": "x", "max_output_tokens": 11}, 11),
        ("/v1/messages", {"messages": [], "max_tokens": 12}, 12),
        ("/v1/embeddings", {"input": "x", "max_tokens": 12}, 0),
        ("/tokenize", {"prompt": "x"}, 0),
        ("/v1/models/m:predict", {"instances": []}, 512),
        ("/v2/models/m/infer", {"inputs": []}, 512),
    ],
)
def test_what_is_set_aside_for_an_answer(path: str, body: dict[str, Any], most: int) -> None:
    assert output_tokens(a_call(body, path=path), 512) == most


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_nothing_that_a_client_writes_breaks_the_estimate(value: Any) -> None:
    call = a_call({"max_tokens": value, "n": value, "best_of": value, "prompt": value})
    call.body = call.body.replace(b"NaN", b"1").replace(b"Infinity", b"1")
    assert output_tokens(call, 512) >= 0


def test_a_prompt_is_estimated_by_its_bytes_unless_it_was_counted() -> None:
    call = a_call(a_chat("x" * 1000))
    assert prompt_tokens(call, 4.0) == -(-len(call.body) // 4)
    call.facts.prompt_tokens = 17
    assert prompt_tokens(call, 4.0) == 17


def test_what_an_earlier_step_added_to_the_prompt_counts() -> None:
    call = a_call(a_chat("x"))
    before = prompt_tokens(call, 4.0)
    call.edit()["messages"].insert(0, {"role": "system", "content": "y" * 4000})
    assert prompt_tokens(call, 4.0) >= before + 1000
