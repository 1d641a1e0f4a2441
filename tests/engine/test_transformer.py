"""The transformer before the real engine: clients notice nothing but what its steps do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import openai
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.engine.predictor_process import MODEL_NAME, Predictor, free_port, launched
from tests.engine.transformer_process import Transformer, transformer_before

EXAMPLE = Path(__file__).parents[2] / "manifests/examples/gateway.yaml"
DEMO_KEY = "pl_demo-key-that-everybody-knows-replace-me"
UP_S = 240.0

PROMPT = "The capital of France is"
MESSAGES: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]
CHAT = {"model": MODEL_NAME, "messages": MESSAGES, "temperature": 0, "max_tokens": 12}
COMPLETION = {"model": MODEL_NAME, "prompt": PROMPT, "temperature": 0, "max_tokens": 12}
RESPONSE = {
    "model": MODEL_NAME,
    "input": "What is the capital of France?",
    "temperature": 0,
    "max_output_tokens": 12,
}
TENSOR = {"name": "prompt", "datatype": "BYTES", "shape": [1], "data": [PROMPT]}
PARAMETERS = {"temperature": 0, "max_tokens": 12}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "chat": ("POST", "/v1/chat/completions", CHAT),
    "chat stream": ("POST", "/v1/chat/completions", CHAT | USAGE),
    "chat by KServe's prefix": ("POST", "/openai/v1/chat/completions", CHAT),
    "chat with logprobs": ("POST", "/v1/chat/completions", CHAT | {"logprobs": True}),
    "completion": ("POST", "/v1/completions", COMPLETION),
    "completion stream": ("POST", "/v1/completions", COMPLETION | {"stream": True}),
    "several prompts": ("POST", "/v1/completions", COMPLETION | {"prompt": [PROMPT, "Grüße aus"]}),
    "response": ("POST", "/v1/responses", RESPONSE),
    "response stream": ("POST", "/v1/responses", RESPONSE | {"stream": True}),
    "models": ("GET", "/v1/models", None),
    "one model": ("GET", f"/v1/models/{MODEL_NAME}", None),
    "tokenize": ("POST", "/tokenize", {"model": MODEL_NAME, "prompt": "Grüße aus Wien"}),
    "detokenize": ("POST", "/detokenize", {"model": MODEL_NAME, "tokens": [504, 1012]}),
    "V1": (
        "POST",
        f"/v1/models/{MODEL_NAME}:predict",
        {"instances": [PROMPT], "parameters": PARAMETERS},
    ),
    "V2": (
        "POST",
        f"/v2/models/{MODEL_NAME}/infer",
        {"id": "a", "inputs": [TENSOR], "parameters": PARAMETERS},
    ),
    "V2 server": ("GET", "/v2", None),
    "V2 models": ("GET", "/v2/models", None),
    "V2 metadata": ("GET", f"/v2/models/{MODEL_NAME}", None),
    "V2 ready": ("GET", f"/v2/models/{MODEL_NAME}/ready", None),
    "a model that is not there": ("POST", "/v1/chat/completions", CHAT | {"model": "nobody"}),
    "a wrong parameter": ("POST", "/v1/completions", COMPLETION | {"temperature": -1}),
    "a wrong stream": ("POST", "/v1/completions", COMPLETION | {"temperature": -1, **USAGE}),
    "a route that this model has not": (
        "POST",
        "/v1/embeddings",
        {"model": MODEL_NAME, "input": "a"},
    ),
}

# What differs between two answers of the predictor itself.
_OWN = re.compile(
    rb'"(?:id|item_id|response_id|request_id)": ?"[^"]*"'
    rb'|"(?:created|created_at|completed_at)": ?[0-9.]+'
)


def masked(body: bytes) -> bytes:
    """A body without ids and times."""
    return _OWN.sub(b"-", body)


@pytest.fixture(scope="module")
def plain(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transformer]:
    """One without any step."""
    host = predictor.url.removeprefix("http://")
    with transformer_before(host, tmp_path_factory.mktemp("plain")) as running:
        yield running


@pytest.mark.parametrize("name", REQUESTS)
def test_without_steps_an_answer_is_the_predictors_byte_for_byte(
    predictor: Predictor, plain: Transformer, name: str
) -> None:
    method, path, body = REQUESTS[name]
    direct = httpx.request(method, predictor.url + path, json=body, timeout=120)
    through = httpx.request(method, plain.url + path, json=body, timeout=120)
    assert through.status_code == direct.status_code
    assert through.headers["content-type"] == direct.headers["content-type"]
    assert masked(through.content) == masked(direct.content)
    assert len(direct.content) > 10


def test_binary_tensors_go_through_as_they_are(predictor: Predictor, plain: Transformer) -> None:
    text = PROMPT.encode()
    binary = len(text).to_bytes(4, "little") + text
    header = json.dumps(
        {
            "inputs": [
                {
                    "name": "prompt",
                    "datatype": "BYTES",
                    "shape": [1],
                    "parameters": {"binary_data_size": len(binary)},
                }
            ],
            "outputs": [{"name": "text_output", "parameters": {"binary_data": True}}],
            "parameters": PARAMETERS,
        }
    ).encode()
    direct, through = (
        httpx.post(
            f"{url}/v2/models/{MODEL_NAME}/infer",
            content=header + binary,
            headers={"inference-header-content-length": str(len(header))},
            timeout=60,
        )
        for url in (predictor.url, plain.url)
    )
    name = "inference-header-content-length"
    assert through.status_code == 200
    assert through.headers[name] == direct.headers[name]
    assert masked(through.content) == masked(direct.content)


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1"])
def test_the_official_client_takes_every_route(plain: Transformer, prefix: str) -> None:
    with plain.client(prefix=prefix) as client:
        assert [model.id for model in client.models.list().data] == [MODEL_NAME]
        assert client.models.retrieve(MODEL_NAME).id == MODEL_NAME
        chat = client.chat.completions.create(**CHAT)
        completion = client.completions.create(**COMPLETION)
        assert "Paris" in completion.choices[0].text
        chunks = client.chat.completions.create(**CHAT, stream=True)
        deltas = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert len(deltas) > 6
        assert "".join(deltas) == chat.choices[0].message.content
        streamed = client.completions.create(**COMPLETION, stream=True)
        texts = [chunk.choices[0].text for chunk in streamed]
        assert "".join(texts) == completion.choices[0].text
        answer = client.responses.create(**RESPONSE)
        assert answer.output_text == chat.choices[0].message.content
        events = client.responses.create(**RESPONSE, stream=True)
        parts = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(parts) == answer.output_text


def test_errors_are_the_predictors_for_the_official_client(plain: Transformer) -> None:
    with plain.client() as client:
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(**CHAT | {"model": "nobody"})
        assert caught.value.param == "model"
        with pytest.raises(openai.BadRequestError, match="context length"):
            client.completions.create(model=MODEL_NAME, prompt="word " * 4000)


def test_the_official_client_gets_embeddings(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("embedding")
    with launched(model, folder, "--runner=pooling", "--convert=embed") as embedder:
        embedder.wait_ready()
        host = embedder.url.removeprefix("http://")
        with transformer_before(host, folder) as running, running.client() as client:
            body = {"model": MODEL_NAME, "input": ["a cat", "a dog"]}
            direct = embedder.post("/v1/embeddings", body)
            through = running.request("POST", "/v1/embeddings", body)
            assert masked(through.content) == masked(direct.content)
            found = client.embeddings.create(model=MODEL_NAME, input=["a cat", "a dog"])
            assert [item.index for item in found.data] == [0, 1]
            assert len(found.data[0].embedding) == len(direct.json()["data"][0]["embedding"])


def test_v2_over_grpc_is_passed_through(
    predictor: Predictor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    request = pb.ModelInferRequest(
        model_name=MODEL_NAME,
        id="b",
        inputs=[
            pb.ModelInferRequest.InferInputTensor(
                name="prompt",
                datatype="BYTES",
                shape=[1],
                contents=pb.InferTensorContents(bytes_contents=[PROMPT.encode()]),
            )
        ],
        parameters={
            "temperature": pb.InferParameter(string_param="0"),
            "max_tokens": pb.InferParameter(int64_param=12),
        },
    )
    folder = tmp_path_factory.mktemp("grpc")
    host, by_grpc = (f"127.0.0.1:{n}" for n in (predictor.http_port, predictor.grpc_port))
    answers = []
    with transformer_before(host, folder, predictor_grpc_host=by_grpc) as running:
        for port in (predictor.grpc_port, running.grpc_port):
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = GRPCInferenceServiceStub(channel)
                assert stub.ServerLive(pb.ServerLiveRequest(), timeout=10).live
                assert stub.ServerReady(pb.ServerReadyRequest(), timeout=10).ready
                assert stub.ModelReady(pb.ModelReadyRequest(name=MODEL_NAME), timeout=10).ready
                metadata = stub.ModelMetadata(pb.ModelMetadataRequest(name=MODEL_NAME), timeout=10)
                answers.append((stub.ModelInfer(request, timeout=60), metadata))
                unknown = pb.ModelInferRequest(model_name="nobody", inputs=request.inputs)
                with pytest.raises(grpc.RpcError) as caught:
                    stub.ModelInfer(unknown, timeout=10)
                assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    direct, through = answers
    assert direct == through


KEYS = {"acme": "acme-key-of-the-tests-0001", "umbrella": "umbrella-key-of-the-tests-01"}
PIPELINE = """
stores:
  folder: {folder}
pipeline:
  - auth:
      keys_database: false
      keys:
        - {{tenant: acme, key: {acme}}}
        - {{tenant: umbrella, key: {umbrella}, scopes: ["models:*"]}}
  - conversation
  - ratelimit:
      key:
        requests: {{rate: 1/day, burst: {burst}}}
  - feedback
  - cache
"""
BURST = 14


@pytest.fixture
def gateway(predictor: Predictor, tmp_path: Path) -> Iterator[Transformer]:
    """One with keys, limits, a cache, feedback and conversations on embedded stores."""
    host = predictor.url.removeprefix("http://")
    text = PIPELINE.format(folder=tmp_path / "stores", burst=BURST, **KEYS)
    with transformer_before(host, tmp_path, pipeline=text) as running:
        yield running


def test_a_gateway_asks_for_keys_remembers_and_limits(
    gateway: Transformer, predictor: Predictor
) -> None:
    chat = "/v1/chat/completions"
    assert gateway.request("POST", chat, CHAT).status_code == 401
    assert gateway.request("POST", chat, CHAT, "a-key-that-nobody-made").status_code == 401
    assert gateway.request("POST", chat, CHAT, KEYS["umbrella"]).status_code == 403
    with gateway.client(KEYS["acme"]) as client:
        first = client.chat.completions.create(**CHAT)
        asked = predictor.metric("pilotlight_predictor_output_tokens_total")
        again = gateway.request("POST", chat, CHAT, KEYS["acme"])
        assert again.headers["x-cache"] == "hit"
        assert predictor.metric("pilotlight_predictor_output_tokens_total") == asked
        assert again.json()["choices"][0]["message"]["content"] == first.choices[0].message.content
        streamed = client.chat.completions.create(**CHAT, stream=True)
        deltas = [chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices]
        assert "".join(deltas) == first.choices[0].message.content

    taken = gateway.request(
        "POST", "/v1/feedback", {"response_id": first.id, "score": 1.0}, KEYS["acme"]
    )
    assert taken.status_code == 200, taken.text
    unknown = {"response_id": "chatcmpl-of-nobody", "score": 1.0}
    assert gateway.request("POST", "/v1/feedback", unknown, KEYS["acme"]).status_code == 404

    for text in ("My name is Ada.", "What is my name?"):
        messages = [{"role": "user", "content": text}]
        body = CHAT | {"messages": messages, "conversation_id": "tea", "stream": True}
        told = gateway.request("POST", chat, body, KEYS["acme"])
        assert told.text.rstrip().endswith("data: [DONE]")
    kept = gateway.request("GET", "/v1/conversations/tea", key=KEYS["acme"]).json()
    assert [message["role"] for message in kept["messages"]] == ["user", "assistant"] * 2
    refused = gateway.request("GET", "/v1/conversations/tea", key=KEYS["umbrella"])
    assert refused.status_code in {403, 404}

    statuses = [
        gateway.request("POST", chat, CHAT | {"seed": n}, KEYS["acme"]) for n in range(BURST)
    ]
    last = statuses[-1]
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) > 0
    assert all(key not in gateway.log.read_text() for key in KEYS.values())
    assert "Ada" not in gateway.log.read_text()


def test_the_example_of_a_gateway_answers_whoever_has_its_key(tmp_path: Path) -> None:
    pilotlight = str(Path(sys.executable).with_name("pilotlight"))
    arguments = ("--port", str(free_port()), "--once", "--json")
    ended = subprocess.run(
        [pilotlight, "local", "up", str(EXAMPLE), *arguments],
        capture_output=True,
        text=True,
        timeout=UP_S,
        check=False,
        env={**os.environ, "PILOTLIGHT_API_KEY": DEMO_KEY, "TMPDIR": str(tmp_path)},
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert [process["role"] for process in result["processes"]] == ["predictor", "transformer"]
    assert "Paris" in result["answer"]["text"]
    assert DEMO_KEY not in ended.stdout + ended.stderr
    assert not list(tmp_path.glob("pilotlight-*"))
