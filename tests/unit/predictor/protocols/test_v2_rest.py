"""Open Inference Protocol V2 over REST."""

import json
import struct
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kserve import InferInput, InferRequest, InferResponse
from kserve.protocol.infer_type import RequestedOutput

URL = "/v2/models/echo/infer"
JSON_LENGTH = "inference-header-content-length"


def body(*texts: str, **changes: object) -> dict[str, Any]:
    tensor = {"name": "prompt", "datatype": "BYTES", "shape": [len(texts)], "data": list(texts)}
    return {"inputs": [tensor | changes.pop("tensor", {})]} | changes  # type: ignore[operator]


def outputs(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


async def test_prompts_in_one_tensor_come_back_in_others(client: httpx.AsyncClient) -> None:
    response = await client.post(URL, json=body("a b", "c", id="42", parameters={"max_tokens": 1}))
    assert response.json()["id"] == "42"
    assert response.json()["model_name"] == "echo"
    assert outputs(response) == {
        "text_output": ["[a]", "[c]"],
        "finish_reason": ["length", "stop"],
        "prompt_tokens": [2, 1],
        "completion_tokens": [1, 1],
    }


async def test_a_column_of_texts_is_a_list_of_texts(client: httpx.AsyncClient) -> None:
    for data in ([["a"], ["b"]], ["a", "b"]):
        response = await client.post(
            URL, json=body("a", "b", tensor={"name": "text_input", "shape": [2, 1], "data": data})
        )
        assert outputs(response)["text_output"] == ["[a]", "[b]"]


async def test_parameters_of_the_tensor_come_before_those_of_the_request(
    client: httpx.AsyncClient, generator: Any
) -> None:
    await client.post(
        URL,
        json=body(
            "a",
            parameters={"max_tokens": 1, "top_p": 0.5, "stop": '["x", "y"]'},
            tensor={"parameters": {"max_tokens": 2, "temperature": "0.25"}},
        ),
    )
    assert generator.bodies == [
        {"prompt": "a", "max_tokens": 2, "top_p": 0.5, "temperature": 0.25, "stop": ["x", "y"]}
    ]


async def test_chat_makes_each_text_a_turn_of_the_user(client: httpx.AsyncClient) -> None:
    response = await client.post(URL, json=body("hi", parameters={"chat": True}))
    assert outputs(response)["text_output"] == ["[user:hi]"]


async def test_a_text_of_messages_is_a_chat(client: httpx.AsyncClient) -> None:
    text = '[{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]'
    response = await client.post(URL, json=body(text, tensor={"name": "messages"}))
    assert outputs(response)["text_output"] == ["[system:s user:u]"]


async def test_only_the_outputs_that_were_asked_for_come_back(client: httpx.AsyncClient) -> None:
    response = await client.post(URL, json=body("a", outputs=[{"name": "finish_reason"}]))
    assert outputs(response) == {"finish_reason": ["stop"]}


async def test_kserves_own_client_code_sends_and_reads_binary_tensors(
    client: httpx.AsyncClient,
) -> None:
    texts = np.array([b"a b", "ü".encode()], dtype=np.object_)
    tensor = InferInput("prompt", [2], "BYTES")
    tensor.set_data_from_numpy(texts, binary_data=True)
    request = InferRequest(
        "echo",
        [tensor],
        parameters={"max_tokens": 1},
        request_outputs=[
            RequestedOutput("text_output", {"binary_data": True}),
            RequestedOutput("prompt_tokens", {"binary_data": False}),
        ],
    )
    content, length = request.to_rest()
    response = await client.post(URL, content=content, headers={JSON_LENGTH: str(length)})
    answer = InferResponse.from_bytes(response.content, int(response.headers[JSON_LENGTH]))
    assert answer.get_output_by_name("text_output").data == ["[a]", "[ü]"]
    assert answer.get_output_by_name("prompt_tokens").data == [2, 1]


async def test_binary_output_can_be_asked_for_all(client: httpx.AsyncClient) -> None:
    response = await client.post(URL, json=body("a", parameters={"binary_data_output": True}))
    answer = InferResponse.from_bytes(response.content, int(response.headers[JSON_LENGTH]))
    assert answer.get_output_by_name("completion_tokens").data == [1]


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ([], "object"),
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": body("a")["inputs"] * 2}, "inputs"),
        (body("a", tensor={"name": "image"}), "image"),
        (body("a", tensor={"datatype": "FP32"}), "FP32"),
        (body("a", tensor={"shape": [2]}), "prompt"),
        (body("a", tensor={"shape": [-1]}), "prompt"),
        (body("a", tensor={"shape": []}), "shape"),
        (body("a", tensor={"shape": [1, 1, 1]}), "shape"),
        (body("a", tensor={"shape": [10**30]}), "shape"),
        (body("a", tensor={"data": [1]}), "strings"),
        (body("a", tensor={"data": None}), "data"),
        (body(*"abcdefghi"), "1 to 8"),
        (body("a", tensor={"name": "messages"}), "messages"),
        (body("a", parameters={"max_token": 1}), "max_token:"),
        (body("a", parameters={"temperature": "warm"}), "temperature"),
        (body("a", parameters={"stop": {}}), "parameters.stop"),
        (body("a", parameters=[1]), "parameters"),
        (body("a", tensor={"shape": ["1"]}), "inputs[0].shape[0]"),
        (body("a", parameters={"chat": "yes"}), "chat"),
        (body("a", parameters={"binary_data_output": "yes"}), "binary_data_output"),
        (body("a", tensor={"parameters": {"binary_data_size": 3}}), "binary_data_size"),
        (body("a", outputs=[{"name": "logits"}]), "logits"),
        (body("a", outputs=[{"name": "text_output"}] * 2), "twice"),
    ],
)
async def test_a_wrong_request_is_a_400_that_names_the_field(
    client: httpx.AsyncClient, generator: Any, sent: object, named: str
) -> None:
    response = await client.post(URL, json=sent)
    assert response.status_code == 400
    assert named in response.json()["error"]
    assert generator.bodies == []


@pytest.mark.parametrize("prompt", ["!long", "!busy"])
async def test_a_refusal_has_v2s_shape(client: httpx.AsyncClient, prompt: str) -> None:
    response = await client.post(URL, json=body(prompt))
    assert response.status_code in (400, 429)
    assert list(response.json()) == ["error"]


async def test_metadata_names_the_tensors(client: httpx.AsyncClient) -> None:
    metadata = (await client.get("/v2/models/echo")).json()
    assert [t["name"] for t in metadata["inputs"]] == ["prompt"]
    answered = outputs(await client.post(URL, json=body("a")))
    assert [t["name"] for t in metadata["outputs"]] == list(answered)
    assert (await client.get("/v2/models")).json() == {"models": ["echo"]}
    assert (await client.get("/v2")).json()["extensions"] == ["binary_tensor_data"]


async def test_readiness_of_the_model_follows_the_server(
    client: httpx.AsyncClient, readiness: Any
) -> None:
    assert (await client.get("/v2/models/echo/ready")).json() == {"name": "echo", "ready": True}
    readiness.ready = False
    response = await client.get("/v2/models/echo/ready")
    assert (response.status_code, list(response.json())) == (503, ["error"])
    assert (await client.get("/v2/models/other/ready")).status_code == 404


async def test_nobody_can_unload_the_model(client: httpx.AsyncClient) -> None:
    for action in ("load", "unload"):
        response = await client.post(f"/v2/repository/models/echo/{action}")
        assert response.status_code == 404
    assert outputs(await client.post(URL, json=body("a")))["text_output"] == ["[a]"]


async def test_versions_are_not_supported(client: httpx.AsyncClient) -> None:
    for response in (
        await client.get("/v2/models/echo/versions/1"),
        await client.get("/v2/models/echo/versions/1/ready"),
        await client.post("/v2/models/echo/versions/1/infer", json=body("a")),
    ):
        assert response.status_code == 501
        assert list(response.json()) == ["error"]


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
PARAMETERS = st.dictionaries(
    st.sampled_from(["max_tokens", "temperature", "stop", "seed", "n", "chat", "ignore_eos"])
    | st.text(max_size=6),
    SCALAR,
    max_size=3,
)
TENSOR = st.fixed_dictionaries(
    {"name": st.sampled_from(["prompt", "messages"]), "datatype": st.just("BYTES")},
    optional={
        "shape": st.lists(st.integers(-2, 3) | st.integers(), max_size=3),
        "data": st.lists(SCALAR | st.lists(SCALAR, max_size=2), max_size=3),
        "parameters": PARAMETERS | SCALAR,
    },
)
BODY = st.fixed_dictionaries(
    {"inputs": st.lists(TENSOR, min_size=1, max_size=2) | SCALAR},
    optional={"id": SCALAR, "parameters": PARAMETERS | SCALAR, "outputs": st.lists(SCALAR)},
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(BODY)
async def test_no_json_is_a_server_error(client: httpx.AsyncClient, sent: dict[str, Any]) -> None:
    response = await client.post(URL, content=json.dumps(sent))
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert isinstance(response.json()["error"], str)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    count=st.integers(0, 4),
    raw=st.binary(max_size=24),
    said=st.none() | st.integers(-1, 30),
    length=st.none() | st.integers(-3, 3) | st.text(max_size=4),
)
@example(count=1, raw=struct.pack("<I", 1) + b"a", said=None, length=None)
@example(count=1, raw=struct.pack("<I", 2) + b"\xff\xfe", said=None, length=None)
@example(count=1, raw=struct.pack("<I", 2**32 - 1), said=None, length=None)
@example(count=1, raw=struct.pack("<II", 0, 0), said=None, length=None)
async def test_binary_data_is_whole_or_refused(
    client: httpx.AsyncClient,
    count: int,
    raw: bytes,
    said: int | None,
    length: int | str | None,
) -> None:
    """``said`` and ``length`` are what the client claims; ``None`` is the truth."""
    size = len(raw) if said is None else said
    header = (
        f'{{"inputs": [{{"name": "prompt", "datatype": "BYTES", "shape": [{count}], '
        f'"parameters": {{"binary_data_size": {size}}}}}]}}'
    ).encode()
    match length:
        case None:
            claim = str(len(header))
        case int():
            claim = str(len(header) + length)
        case str():
            claim = length
    response = await client.post(
        URL, content=header + raw, headers=[(b"Inference-Header-Content-Length", claim.encode())]
    )
    whole = claim == str(len(header)) and size == len(raw) and _texts(raw, count) is not None
    assert response.status_code == (200 if whole else 400), response.text
    if whole:
        echoed = [f"[{' '.join(t.split(' ')[:16])}]" for t in _texts(raw, count) or []]
        assert outputs(response)["text_output"] == echoed


def _texts(raw: bytes, count: int) -> list[str] | None:
    """What the bytes hold, by the words of the protocol."""
    texts = []
    while raw:
        if len(raw) < 4 or len(raw) - 4 < (size := int.from_bytes(raw[:4], "little")):
            return None
        try:
            texts.append(raw[4 : 4 + size].decode())
        except UnicodeDecodeError:
            return None
        raw = raw[4 + size :]
    return texts if len(texts) == count > 0 else None
