"""What of a history the model is told, and what of it is kept."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from pilotlight.errors import UsageError
from pilotlight_transformer.conversations.answering import GatheredMessage
from pilotlight_transformer.conversations.history import Exchanged, History, Said, parted
from pilotlight_transformer.conversations.trimming import (
    MESSAGE_TOKENS,
    by_tokenizer,
    estimate,
    tokens,
    told,
)
from tests.unit.transformer.conversation.talk import play_with, read, say
from tests.unit.transformer.conversation.talk import told as told_to
from tests.unit.transformer.playing import chat_answer

CALL = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str | None, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def tool(text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "t", "content": text}


def history(*messages: dict[str, Any], prompt: tuple[dict[str, Any], ...] = ()) -> History:
    return History(prompt, tuple(Said(message) for message in messages))


def length(text: str) -> int:
    return len(text)


turns = st.lists(
    st.tuples(st.text(max_size=8), st.booleans(), st.text(max_size=8)).map(
        lambda turn: (
            [user(turn[0]), assistant(None, tool_calls=[CALL]), tool("r"), assistant(turn[2])]
            if turn[1]
            else [user(turn[0]), assistant(turn[2])]
        )
    ),
    max_size=8,
)
prompts = st.sampled_from([(), ({"role": "system", "content": "be kind"},)])


@given(turns, prompts, prompts, st.integers(0, 120))
def test_the_newest_whole_turns_that_fit_are_told(
    given_turns: list[list[dict[str, Any]]],
    kept_prompt: tuple[dict[str, Any], ...],
    new_prompt: tuple[dict[str, Any], ...],
    max_tokens: int,
) -> None:
    flat = [message for turn in given_turns for message in turn]
    messages, left_out = told(
        history(*flat, prompt=kept_prompt), new_prompt, [user("new")], max_tokens, length
    )
    head = list(new_prompt or kept_prompt)
    assert messages[: len(head)] == head
    assert messages[-1] == user("new")
    before = messages[len(head) : -1]
    assert before == flat[left_out:]
    # A prefix of whole turns is missing, and the newest missing one would not have fitted.
    at = next(
        index
        for index in range(len(given_turns) + 1)
        if sum(map(len, given_turns[:index])) == left_out
    )
    size = sum(tokens(message, length) for message in [*head, *before])
    assert not before or size <= max_tokens
    if at:
        assert size + sum(tokens(message, length) for message in given_turns[at - 1]) > max_tokens


def test_a_tools_result_keeps_its_call_whatever_it_costs() -> None:
    said = history(user("old"), assistant("x"), user("q" * 500), assistant(None, tool_calls=[CALL]))
    messages, left_out = told(said, [], [tool("21")], 10, length)
    assert messages == [user("q" * 500), assistant(None, tool_calls=[CALL]), tool("21")]
    assert left_out == 2


def test_tool_calls_and_parts_cost_tokens() -> None:
    assert tokens(user("four"), length) == MESSAGE_TOKENS + 4
    assert tokens(assistant(None, tool_calls=[CALL]), length) == MESSAGE_TOKENS + len("f{}")
    parts = [{"type": "text", "text": "four"}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert tokens({"role": "user", "content": parts}, length) > MESSAGE_TOKENS + 100
    odd = {"role": "user", "content": 7, "tool_calls": ["x", {"function": None}]}
    assert tokens(odd, length) == MESSAGE_TOKENS


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_estimated(text: str) -> None:
    assert 0 <= estimate(text) <= len(text)


def a_tokenizer(folder: Path) -> Path:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = folder / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def test_a_tokenizer_counts_its_own_tokens(tmp_path: Path) -> None:
    count = by_tokenizer(a_tokenizer(tmp_path))
    assert count("a b a c") == 4
    assert count("a \ud800 b") == 3


async def test_the_step_trims_by_its_tokenizer(tmp_path: Path) -> None:
    settings = f"tokenizer: {a_tokenizer(tmp_path)}, max_tokens: 40"
    async with play_with(settings, tmp_path) as play:
        await say(play, "a " * 20)
        await say(play, "b")
        await say(play, "a")
        # The first turn is over 40 tokens by its words; by bytes it would still fit.
        assert [message["content"] for message in told_to(play)] == ["b", "re: b", "a"]


async def test_a_tokenizer_that_cannot_be_read_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(UsageError, match=r"name a tokenizer\.json"):
        await play_with(f"tokenizer: {tmp_path / 't.json'}", tmp_path).__aenter__()


async def test_a_long_conversation_lets_its_oldest_turns_go_and_says_so(tmp_path: Path) -> None:
    async with play_with("max_messages: 4", tmp_path) as play:
        for text in ("1", "2", "3"):
            await say(play, text)
        found = (await read(play)).document
    assert [message["content"] for message in found["messages"]] == ["2", "re: 2", "3", "re: 3"]
    assert (found["dropped_messages"], found["version"]) == (2, 3)


@given(turns, st.integers(2, 10), st.integers(100, 1000))
def test_what_is_kept_is_within_its_bounds_or_one_turn(
    given_turns: list[list[dict[str, Any]]], max_messages: int, max_bytes: int
) -> None:
    flat = [message for turn in given_turns for message in turn]
    whole = history(*flat)
    kept = whole.within(max_messages, max_bytes)
    assert kept.said == whole.said[kept.dropped :]
    assert kept.dropped + len(kept.said) == len(whole.said)
    assert len(kept.groups()) <= 1 or len(kept.said) <= max_messages


@given(turns, prompts)
def test_a_history_comes_back_from_its_bytes_as_it_was(
    given_turns: list[list[dict[str, Any]]], prompt: tuple[dict[str, Any], ...]
) -> None:
    said = history(*(message for turn in given_turns for message in turn), prompt=prompt)
    later = said.after(Exchanged((user("x"),), assistant("y"), cut=True), 5.0)
    assert History.unpacked(later.packed()) == later


def test_only_the_head_of_a_request_is_its_system_prompt() -> None:
    system = {"role": "system", "content": "s"}
    assert parted([system, user("a"), system]) == ((system,), (user("a"), system))
    assert parted([system]) == ((system,), ())


def event(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}


def test_a_streamed_tool_call_is_put_together() -> None:
    gathered = GatheredMessage(1000)
    first = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}
    gathered.add(event({"role": "assistant", "content": None, "tool_calls": [first]}))
    for part in ("{", "}"):
        gathered.add(event({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}))
    gathered.add(event({}, "tool_calls"))
    assert gathered.message(ended=True) == (assistant(None, tool_calls=[CALL]), False)
    assert gathered.message(ended=False) == (assistant(""), True)


def test_a_streamed_answer_over_its_bound_is_cut() -> None:
    gathered = GatheredMessage(5)
    for text in ("abc", "de", "f"):
        gathered.add(event({"content": text}))
    gathered.add(event({}, "stop"))
    assert gathered.message(ended=True) == (assistant("abcde"), True)


async def test_a_whole_answer_over_its_bound_is_kept_in_part_and_given_whole(
    tmp_path: Path,
) -> None:
    async with play_with("max_bytes: 1024", tmp_path) as play:
        play.predictor.reply = lambda call: chat_answer("é" * 5000)
        client = await say(play, "long?")
        assert client.document["choices"][0]["message"]["content"] == "é" * 5000
        (_, kept) = (await read(play)).document["messages"]
    assert (kept["content"], kept["cut"]) == ("é" * 256, True)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": [7]},
        event(None),
        event({"tool_calls": [{"index": "0"}, 1]}),
        event({"tool_calls": {"index": 0}}),
        event({"content": 7}),
    ],
)
def test_odd_events_do_no_harm(odd: dict[str, Any]) -> None:
    gathered = GatheredMessage(5)
    gathered.add(odd)
    assert gathered.message(ended=True)[0] == assistant("")
