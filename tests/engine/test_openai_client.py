"""The official ``openai`` client against every route that this server has for it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.engine.guarded_predictor import GuardedPredictor
from tests.engine.predictor_process import MODEL_NAME, Predictor

PROMPT = "The capital of France is"
MESSAGES: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]
PREFIXES = ("/v1", "/openai/v1")
CITY = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "enum": ["Paris", "Rome"]},
        "million_people": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["name", "million_people"],
    "additionalProperties": False,
}
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Today's weather.",
            "parameters": CITY,
            "strict": True,
        },
    }
]


@pytest.fixture(params=PREFIXES)
def client(predictor: Predictor, request: pytest.FixtureRequest) -> Iterator[OpenAI]:
    with OpenAI(base_url=predictor.url + request.param, api_key="none", max_retries=0) as client:
        yield client


def greedy(client: OpenAI, **parameters: Any) -> Any:
    body = {"model": MODEL_NAME, "prompt": PROMPT, "temperature": 0, "max_tokens": 8}
    return client.completions.create(**{**body, **parameters})


def chat(client: OpenAI, **parameters: Any) -> Any:
    body = {"model": MODEL_NAME, "messages": MESSAGES, "temperature": 0, "max_tokens": 8}
    return client.chat.completions.create(**{**body, **parameters})


def test_models_are_listed_and_retrieved(client: OpenAI) -> None:
    listed = client.models.list().data
    assert [model.id for model in listed] == [MODEL_NAME]
    one = client.models.retrieve(MODEL_NAME)
    assert (one.id, one.object, one.owned_by) == (MODEL_NAME, "model", listed[0].owned_by)
    assert one.model_dump()["ready"] is True
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_a_completion_counts_its_tokens(client: OpenAI) -> None:
    answer = greedy(client)
    assert answer.choices[0].text.startswith(" Paris")
    assert answer.choices[0].finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (5, 8)


def test_n_choices_are_n_answers(client: OpenAI) -> None:
    answer = greedy(client, n=3, temperature=1.5, seed=7, max_tokens=12)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.text for choice in answer.choices}) == 3


def test_several_prompts_are_answered_in_their_order(client: OpenAI) -> None:
    alone = [greedy(client, prompt=prompt).choices[0].text for prompt in (PROMPT, "Hello,")]
    together = greedy(client, prompt=[PROMPT, "Hello,"]).choices
    assert [choice.text for choice in together] == alone


def test_echo_gives_the_prompt_back_with_its_logprobs(client: OpenAI) -> None:
    answer = greedy(client, echo=True, logprobs=2, max_tokens=2)
    choice = answer.choices[0]
    assert choice.text.startswith(PROMPT + " Paris")
    logprobs = choice.logprobs
    assert "".join(logprobs.tokens) == choice.text
    assert logprobs.token_logprobs[0] is None
    assert all(value <= 0 for value in logprobs.token_logprobs[1:])
    assert all(len(top) >= 2 for top in logprobs.top_logprobs[1:])


def test_a_stop_string_ends_the_answer_and_is_left_out(client: OpenAI) -> None:
    whole = greedy(client, max_tokens=16).choices[0].text
    stop = whole.split()[2]
    answer = greedy(client, max_tokens=16, stop=[stop]).choices[0]
    assert answer.finish_reason == "stop"
    assert answer.text == whole[: whole.index(stop)]


def test_a_stream_is_the_whole_answer_in_parts_with_usage_at_the_end(client: OpenAI) -> None:
    whole = greedy(client, max_tokens=16)
    chunks = list(
        greedy(client, max_tokens=16, stream=True, stream_options={"include_usage": True})
    )
    text = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert len(chunks) > 8
    assert text == whole.choices[0].text
    assert chunks[-1].usage.model_dump() == whole.usage.model_dump()
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_seed_repeats_a_sampled_chat(client: OpenAI) -> None:
    def sampled(seed: int) -> str:
        return str(chat(client, temperature=1.2, seed=seed).choices[0].message.content)

    assert sampled(3) == sampled(3)
    assert len({sampled(seed) for seed in range(4)}) > 1


def test_a_chat_stream_is_the_whole_answer(client: OpenAI) -> None:
    whole = chat(client, max_tokens=16).choices[0].message.content
    deltas = [
        chunk.choices[0].delta.content or ""
        for chunk in chat(client, max_tokens=16, stream=True)
        if chunk.choices
    ]
    assert "".join(deltas) == whole
    assert "Paris" in whole


def test_a_chat_has_n_choices_and_logprobs(client: OpenAI) -> None:
    answer = chat(client, n=2, temperature=1.0, seed=1, logprobs=True, top_logprobs=3)
    assert len(answer.choices) == 2
    for choice in answer.choices:
        assert len(choice.logprobs.content) <= 8
        assert all(len(token.top_logprobs) >= 3 for token in choice.logprobs.content)


def test_a_json_schema_is_kept(client: OpenAI) -> None:
    schema = {"name": "city", "schema": CITY, "strict": True}
    answer = chat(
        client, max_tokens=64, response_format={"type": "json_schema", "json_schema": schema}
    )
    assert_is_city(answer.choices[0].message.content)


def test_a_response_has_output_text(client: OpenAI) -> None:
    answer = client.responses.create(
        model=MODEL_NAME, input="What is the capital of France?", temperature=0, max_output_tokens=8
    )
    assert answer.output_text == chat(client).choices[0].message.content
    events = client.responses.create(
        model=MODEL_NAME,
        input="What is the capital of France?",
        temperature=0,
        max_output_tokens=8,
        stream=True,
    )
    parts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(parts) == answer.output_text


@pytest.mark.parametrize("prefix", ["", "/openai"])
def test_tokens_come_back_as_the_text(predictor: Predictor, prefix: str) -> None:
    body = {"model": MODEL_NAME, "prompt": "Grüße aus Wien"}
    tokens = predictor.post(f"{prefix}/tokenize", body).json()
    assert tokens["count"] == len(tokens["tokens"]) > 3
    back = {"model": MODEL_NAME, "tokens": tokens["tokens"]}
    assert predictor.post(f"{prefix}/detokenize", back).json()["prompt"] == body["prompt"]


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    for call in (greedy, chat):
        with pytest.raises(openai.NotFoundError) as caught:
            call(client, model="nobody")
        assert "nobody" in caught.value.message
        assert caught.value.param == "model"


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_parameter_is_a_bad_request_that_names_it(client: OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature"):
        greedy(client, temperature=-1, stream=stream)
    with pytest.raises(openai.BadRequestError, match="context length"):
        greedy(client, prompt="word " * 4000, stream=stream)


def test_a_route_that_the_model_cannot_serve_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=MODEL_NAME, input="text")


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_a_tool_call_has_arguments_of_its_schema(
    guarded_predictor: GuardedPredictor, choice: Any
) -> None:
    with guarded_predictor.client() as client:
        message = chat(client, tools=TOOLS, tool_choice=choice, max_tokens=96).choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "weather"
    assert_is_city(call.function.arguments)


def test_a_model_may_leave_tools_alone(guarded_predictor: GuardedPredictor) -> None:
    with guarded_predictor.client() as client:
        choice = chat(client, tools=TOOLS, tool_choice="auto", max_tokens=4).choices[0]
    assert choice.finish_reason in {"length", "stop", "tool_calls"}
    assert choice.message.content or choice.message.tool_calls


def test_tools_without_a_parser_are_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="tool-call-parser"):
        chat(client, tools=TOOLS, tool_choice="auto")


def test_an_answer_carries_the_id_of_its_request(predictor: Predictor) -> None:
    body = {"model": MODEL_NAME, "prompt": PROMPT, "max_tokens": 1}
    given = predictor.post("/v1/completions", body, {"x-request-id": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    made = [predictor.post("/v1/completions", body).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]


def test_the_lists_of_both_prefixes_are_the_same(predictor: Predictor) -> None:
    ids = [
        [model["id"] for model in httpx.get(f"{predictor.url}{prefix}/models").json()["data"]]
        for prefix in PREFIXES
    ]
    assert ids[0] == ids[1] == [MODEL_NAME]


def assert_is_city(text: str) -> None:
    city = json.loads(text)
    assert set(city) == {"name", "million_people"}
    assert city["name"] in {"Paris", "Rome"}
    assert 0 <= city["million_people"] <= 99
