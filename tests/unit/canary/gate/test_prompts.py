"""Lines of JSON become requests, and requests become greedy."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight_canary.gate.prefix import beginnings
from pilotlight_canary.gate.prompt import CHAT, COMPLETION, Prompt, greedy, parse

MESSAGES = [{"role": "user", "content": "Who lights it?"}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def lines(*documents: object) -> str:
    return "\n".join(json.dumps(document) for document in documents)


def test_a_line_is_a_body_or_an_entry_of_a_batch_file() -> None:
    text = lines(
        {"messages": MESSAGES},
        {"prompt": "Who?", "max_tokens": 3},
        {"custom_id": "light", "url": "/v1/chat/completions", "body": {"messages": MESSAGES}},
    )
    chat, completion, entry = parse(text, "golden")
    assert (chat.name, chat.path, completion.path) == ("line 1", CHAT, COMPLETION)
    assert completion.body == {"prompt": "Who?", "max_tokens": 3}
    assert (entry.name, entry.path, entry.body) == ("light", CHAT, {"messages": MESSAGES})


def test_empty_lines_do_not_count_but_keep_their_number() -> None:
    assert [p.name for p in parse('\n{"prompt": "a"}\n\n{"prompt": "b"}\n', "g")] == [
        "line 2",
        "line 4",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no request"),
        ("\n \n", "holds no request"),
        ('{"prompt": "a"}\n{"prompt": ', "golden, line 2 is no JSON"),
        ("[1]", "line 1 is no JSON object"),
        ('{"question": "a"}', "neither messages .* nor prompt"),
        ('{"prompt": ["a", "b"]}', "neither messages .* nor prompt"),
        ('{"body": [1]}', "body is no JSON object"),
        ('{"url": "/v1/embeddings", "body": {"prompt": "a"}}', "its url is '/v1/embeddings'"),
    ],
)
def test_a_line_that_is_no_request_is_refused_by_its_number(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(text, "golden")


@given(st.lists(JSON, max_size=4))
def test_any_json_is_parsed_or_refused(documents: list[Any]) -> None:
    try:
        assert len(parse(lines(*documents), "golden")) == len(documents)
    except UsageError as error:
        assert "golden" in str(error)  # noqa: PT017


def test_a_greedy_body_samples_nothing_and_keeps_what_is_asked() -> None:
    asked = {
        "messages": MESSAGES,
        "temperature": 1.3,
        "top_p": 0.5,
        "seed": 3,
        "n": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {"type": "json_object"},
        "max_completion_tokens": 9,
    }
    body = greedy(Prompt("a", CHAT, asked), max_tokens=256, logprobs=False)
    assert body == {
        "messages": MESSAGES,
        "temperature": 0,
        "n": 1,
        "stream": False,
        "response_format": {"type": "json_object"},
        "max_completion_tokens": 9,
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [(CHAT, {"logprobs": True, "top_logprobs": 5}), (COMPLETION, {"logprobs": 5})],
)
def test_probabilities_are_asked_for_in_each_routes_way(
    path: str, expected: dict[str, object]
) -> None:
    body = greedy(Prompt("a", path, {"prompt": "a"}), max_tokens=7, logprobs=True)
    assert expected.items() <= body.items()
    assert body["max_tokens"] == 7


def test_beginnings_come_once_and_the_most_frequent_first() -> None:
    system = {"role": "system", "content": "x" * 30}
    asked = [
        Prompt("1", COMPLETION, {"prompt": "rare"}),
        *(
            Prompt(str(i), CHAT, {"messages": [system, {"role": "user", "content": f"{i}"}]})
            for i in range(3)
        ),
    ]
    first, second = beginnings(asked, characters=30)
    assert first.body == {"messages": [system], "max_tokens": 1}
    assert second.body == {"prompt": "rare", "max_tokens": 1}


def test_what_is_no_plain_text_ends_a_beginning() -> None:
    image = {"role": "user", "content": [{"type": "image_url"}]}
    kept, dropped = ([*MESSAGES, image, *MESSAGES], [image])
    found = beginnings([Prompt("a", CHAT, {"messages": m}) for m in (kept, dropped)])
    assert [p.body["messages"] for p in found] == [MESSAGES]


@given(st.lists(st.text(max_size=20), max_size=10), st.integers(1, 15), st.integers(1, 5))
def test_beginnings_are_short_few_and_different(
    texts: list[str], characters: int, limit: int
) -> None:
    prompts = [Prompt(str(i), COMPLETION, {"prompt": text}) for i, text in enumerate(texts)]
    found = [p.body["prompt"] for p in beginnings(prompts, characters=characters, limit=limit)]
    assert len(found) == len(set(found)) <= limit
    assert all(len(text) <= characters for text in found)
    assert all(any(text.startswith(each) for text in texts) for each in found)
