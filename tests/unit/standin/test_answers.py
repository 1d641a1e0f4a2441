"""The stand-in's API: what clients of the predictor see of it."""

import itertools
import json
import time

import openai
import pytest

from tests.unit.standin.conftest import StandIn, Start


@pytest.fixture
def standin(start: Start) -> StandIn:
    return start()


def test_the_official_client_streams_chats_and_embeds(standin: StandIn) -> None:
    client = openai.OpenAI(base_url=f"{standin.url}/v1", api_key="none", max_retries=0)
    messages = [{"role": "user", "content": "Who lights it?"}]
    whole = client.chat.completions.create(model="standin", messages=messages, max_tokens=5)
    stream = client.chat.completions.create(
        model="standin",
        messages=messages,
        max_tokens=5,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(choice.delta.content for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert len(text.split()) == 5
    assert chunks[-1].usage.completion_tokens == 5
    assert chunks[-2].choices[0].finish_reason == "length"
    vectors = client.embeddings.create(model="standin", input=["a", "b"]).data
    assert len(vectors[0].embedding) == 8
    assert vectors[0].embedding != vectors[1].embedding
    assert [model.id for model in client.models.list()] == ["standin"]


def test_tokens_come_one_by_one_at_the_set_rate(start: Start) -> None:
    client = openai.OpenAI(base_url=f"{start(token_s=0.1).url}/v1", api_key="none")
    stream = client.completions.create(model="standin", prompt="x", max_tokens=6, stream=True)
    times = [time.monotonic() for _ in stream]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert len(gaps) == 5
    assert all(0.05 < gap < 0.5 for gap in gaps)


def test_the_same_prompt_gets_the_same_words_from_one_version_only(start: Start) -> None:
    first, again, other = (
        start(version=version).complete(max_tokens=12) for version in ("1", "1", "2")
    )
    texts = [answer.json()["choices"][0]["text"] for answer in (first, again, other)]
    assert texts[0] == texts[1] != texts[2]
    assert other.headers["x-standin-version"] == "2"
    assert other.json()["system_fingerprint"] == "2"


def test_v2_answers_each_prompt(standin: StandIn) -> None:
    tensor = {"name": "prompt", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]}
    answer = standin.post("/v2/models/standin/infer", inputs=[tensor], parameters={"max_tokens": 2})
    output = answer.json()["outputs"][0]
    assert output["name"] == "text_output"
    assert output["data"] == [
        standin.complete(prompt, max_tokens=2).json()["choices"][0]["text"] for prompt in ("a", "b")
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/completions", {"model": "other", "prompt": "x"}, 404),
        ("/v1/completions", {"model": "standin"}, 400),
        ("/v1/nothing", {}, 404),
        ("/admin/behaviour", {"mood": "bad"}, 400),
    ],
)
def test_wrong_requests_get_an_error_in_openais_shape(
    standin: StandIn, path: str, body: dict[str, str], status: int
) -> None:
    answer = standin.post(path, **body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_versions_with_the_same_weights_say_the_same(start: Start) -> None:
    old, new = (start(version=version, weights="small") for version in ("1", "2"))
    texts = [each.complete(max_tokens=12).json()["choices"][0]["text"] for each in (old, new)]
    assert texts[0] == texts[1]
    assert new.complete().json()["system_fingerprint"] == "2"


def test_it_tells_its_tokens_probabilities_where_it_is_asked(standin: StandIn) -> None:
    client = openai.OpenAI(base_url=f"{standin.url}/v1", api_key="none", max_retries=0)
    whole = client.completions.create(model="standin", prompt="x", max_tokens=3, logprobs=2)
    assert "".join(whole.choices[0].logprobs.tokens) == whole.choices[0].text
    assert all(-2 <= value <= 0 for value in whole.choices[0].logprobs.token_logprobs)
    chat = client.chat.completions.create(
        model="standin",
        messages=[{"role": "user", "content": "x"}],
        max_tokens=3,
        logprobs=True,
        top_logprobs=2,
    )
    assert [token.token for token in chat.choices[0].logprobs.content]
    assert len(chat.choices[0].logprobs.content) == 3
    assert standin.complete().json()["choices"][0]["logprobs"] is None


def test_it_answers_json_and_calls_the_tool_that_it_must(standin: StandIn) -> None:
    client = openai.OpenAI(base_url=f"{standin.url}/v1", api_key="none", max_retries=0)
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    messages = [{"role": "user", "content": "x"}]
    answer = client.chat.completions.create(
        model="standin",
        messages=messages,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    )
    assert json.loads(answer.choices[0].message.content) == {"age": 7}
    assert answer.choices[0].finish_reason == "stop"
    tool = {"type": "function", "function": {"name": "weigh", "parameters": schema}}
    called = client.chat.completions.create(
        model="standin", messages=messages, tools=[tool], tool_choice="required"
    )
    call = called.choices[0].message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == ("weigh", {"age": 7})
