"""KServe V1 over REST."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

URL = "/v1/models/echo:predict"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


async def test_a_string_gets_a_string_and_an_object_gets_an_object(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post(
        URL,
        json={
            "instances": ["a b c", {"prompt": "d e", "max_tokens": 1}],
            "parameters": {"max_tokens": 2, "temperature": 0},
        },
    )
    assert response.status_code == 200
    assert response.json() == {
        "predictions": [
            "[a b]",
            {
                "text": "[d]",
                "finish_reason": "length",
                "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3},
            },
        ]
    }


async def test_what_the_request_does_not_say_is_left_to_openais_defaults(
    client: httpx.AsyncClient, generator: Any
) -> None:
    await client.post(
        URL, json={"instances": ["a"], "parameters": {"temperature": 0, "top_p": None}}
    )
    assert generator.bodies == [{"prompt": "a", "temperature": 0.0}]


async def test_messages_are_a_chat(client: httpx.AsyncClient, generator: Any) -> None:
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    response = await client.post(
        URL, json={"instances": [{"messages": messages, "seed": 7, "stop": ["x", "y"]}]}
    )
    assert response.json()["predictions"][0]["text"] == "[system:s user:u]"
    assert generator.bodies == [{"messages": messages, "seed": 7, "stop": ["x", "y"]}]


async def test_each_of_several_prompts_has_a_request_id_of_its_own(
    client: httpx.AsyncClient, generator: Any
) -> None:
    await client.post(URL, json={"instances": ["a", "b"]}, headers={"x-request-id": "r"})
    assert sorted(h["x-request-id"] for h in generator.headers) == ["r-0", "r-1"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "object"),
        ({}, "instances"),
        ({"instances": []}, "instances"),
        ({"instances": "a"}, "instances"),
        ({"instances": ["a"] * 9}, "instances"),
        ({"instances": [1]}, "instances[0]"),
        ({"instances": ["a", {}]}, "instances[1]"),
        ({"instances": [{"prompt": 1}]}, "prompt"),
        ({"instances": [{"prompt": "a", "messages": []}]}, "instances[0]"),
        ({"instances": [{"messages": "a"}]}, "messages"),
        ({"instances": [{"prompt": "a", "max_token": 1}]}, "max_token:"),
        ({"instances": ["a"], "parameters": {"top_p": "high"}}, "top_p"),
        ({"instances": ["a"], "parameters": {"max_tokens": True}}, "max_tokens"),
        ({"instances": ["a"], "parameters": {"max_tokens": 10**30}}, "max_tokens"),
        ({"instances": ["a"], "parameters": {"temperature": "nan"}}, "temperature"),
        ({"instances": ["a"], "parameters": {"n": 2}}, "n:"),
        ({"instances": ["a"], "parameters": [1]}, "parameters"),
        ({"instances": ["a"], "stream": True}, "stream"),
    ],
)
async def test_a_wrong_request_is_a_400_that_names_the_field(
    client: httpx.AsyncClient, generator: Any, body: object, named: str
) -> None:
    response = await client.post(URL, json=body)
    assert response.status_code == 400
    assert named in response.json()["error"]
    assert generator.bodies == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain"])
async def test_the_body_is_json_whatever_its_content_type_says(
    client: httpx.AsyncClient, content_type: str
) -> None:
    response = await client.post(
        URL, content=b'{"instances": ["a"]}', headers={"content-type": content_type}
    )
    assert response.json() == {"predictions": ["[a]"]}


@pytest.mark.parametrize(
    ("prompt", "status"),
    [
        ("!long", 400),
        ("!token", 401),
        ("!adapter", 404),
        ("!busy", 429),
        ("!down", 503),
        ("!late", 504),
    ],
)
async def test_a_refusal_keeps_its_status_in_v2s_shape(
    client: httpx.AsyncClient, prompt: str, status: int
) -> None:
    response = await client.post(URL, json={"instances": ["a", prompt]})
    assert response.status_code == status
    assert list(response.json()) == ["error"]


async def test_an_overload_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    response = await client.post(URL, json={"instances": ["!busy"]})
    assert response.headers["retry-after"] == "2"


async def test_a_bug_tells_the_client_nothing(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.post(URL, json={"instances": ["!bug"]})
    assert response.status_code == 500
    assert response.json() == {"error": "internal error"}
    assert "secret detail" in caplog.text


async def test_one_prompt_that_fails_cancels_the_others(
    client: httpx.AsyncClient, generator: Any
) -> None:
    response = await client.post(URL, json={"instances": ["!wait", "!busy"]})
    assert response.status_code == 429
    assert generator.cancelled.is_set()


async def test_a_client_that_leaves_cancels_its_prompts(app: FastAPI, generator: Any) -> None:
    body = {"type": "http.request", "body": b'{"instances": ["!wait"]}', "more_body": False}
    messages = [body]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await generator.waiting.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "query_string": b"",
        "headers": [],
    }
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    assert generator.cancelled.is_set()


async def test_readiness_follows_the_server_and_inference_does_not(
    client: httpx.AsyncClient, readiness: Any
) -> None:
    """While it drains, the server says that it is not ready and still accepts requests."""
    assert (await client.get("/v1/models/echo")).status_code == 200
    readiness.ready = False
    response = await client.get("/v1/models/echo")
    assert (response.status_code, list(response.json())) == (503, ["error"])
    assert (await client.post(URL, json={"instances": ["a"]})).status_code == 200
    assert readiness.ready is False


@pytest.mark.parametrize("name", ["echo", "team/poet"])
async def test_a_models_route_has_openais_fields_and_kserves(
    client: httpx.AsyncClient, name: str
) -> None:
    assert (await client.get(f"/v1/models/{name}")).json() == {
        "id": name,
        "object": "model",
        "name": name,
        "ready": True,
    }


async def test_what_no_route_answers_has_kserves_error_shape(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/v2/nothing")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "no such route"})
    wrong = await client.get("/v2/models/echo/infer")
    assert (wrong.status_code, list(wrong.json())) == (405, ["error"])
    assert wrong.headers["allow"] == "POST"


async def test_an_unknown_model_is_a_404(client: httpx.AsyncClient) -> None:
    for response in (
        await client.post("/v1/models/other:predict", json={"instances": ["a"]}),
        await client.get("/v1/models/other"),
    ):
        assert response.status_code == 404
        assert "other" in response.json()["error"]


async def test_explain_is_not_supported(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/models/echo:explain", json={"instances": ["a"]})
    assert response.status_code == 501
    assert list(response.json()) == ["error"]


async def test_the_list_of_models_is_left_to_openai(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/models")).status_code == 404


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=64)
    | JSON.map(json.dumps).map(str.encode)
    | st.fixed_dictionaries(
        {"instances": st.lists(JSON, max_size=4)}, optional={"parameters": JSON}
    )
    .map(json.dumps)
    .map(str.encode)
)
async def test_no_body_is_a_server_error(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post(URL, content=body)
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert isinstance(response.json()["error"], str)
