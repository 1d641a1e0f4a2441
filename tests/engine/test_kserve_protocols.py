"""KServe's protocols on the real engine: the same greedy answer, whichever way it is asked."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.engine.predictor_process import MODEL_NAME, Predictor

PROMPTS = ["The capital of France is", "Grüße aus"]
TOKENS = 10
PARAMETERS = {"temperature": 0, "max_tokens": TOKENS}
V1 = f"/v1/models/{MODEL_NAME}:predict"
V2 = f"/v2/models/{MODEL_NAME}/infer"

CLOSED = (
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/v1/unload_lora_adapter"),
    ("POST", "/sleep"),
    ("POST", "/wake_up"),
    ("GET", "/is_sleeping"),
    ("POST", "/collective_rpc"),
    ("POST", "/start_profile"),
    ("POST", "/stop_profile"),
    ("POST", "/reset_prefix_cache"),
    ("POST", "/scale_elastic_ep"),
    ("GET", "/server_info"),
    ("GET", "/load"),
    ("POST", "/invocations"),
    ("GET", "/ping"),
    ("GET", "/docs"),
    ("GET", "/redoc"),
    ("GET", "/openapi.json"),
    ("GET", "/openai/docs"),
    ("GET", "/openai/metrics"),
    ("POST", "/openai/sleep"),
    ("POST", "/v2/repository/index"),
    ("POST", f"/v2/repository/models/{MODEL_NAME}/load"),
    ("POST", f"/v2/repository/models/{MODEL_NAME}/unload"),
    ("POST", "/admin/lora/load"),
    ("POST", "/admin/lora/unload"),
)


@pytest.fixture(scope="module")
def expected(predictor: Predictor) -> list[str]:
    """OpenAI's answers to the prompts."""
    return [predictor.complete(p, max_tokens=TOKENS)["choices"][0]["text"] for p in PROMPTS]


@pytest.fixture(scope="module")
def stub(predictor: Predictor) -> Iterator[GRPCInferenceServiceStub]:
    with grpc.insecure_channel(f"127.0.0.1:{predictor.grpc_port}") as channel:
        yield GRPCInferenceServiceStub(channel)


def bytes_tensor(texts: list[str]) -> bytes:
    encoded = [text.encode() for text in texts]
    return b"".join(struct.pack("<I", len(text)) + text for text in encoded)


def infer_request(**changes: Any) -> pb.ModelInferRequest:
    parameters = {
        "temperature": pb.InferParameter(string_param="0"),
        "max_tokens": pb.InferParameter(int64_param=TOKENS),
    }
    fields = {
        "model_name": MODEL_NAME,
        "inputs": [
            pb.ModelInferRequest.InferInputTensor(
                name="prompt",
                datatype="BYTES",
                shape=[len(PROMPTS)],
                contents=pb.InferTensorContents(bytes_contents=[p.encode() for p in PROMPTS]),
            )
        ],
        "parameters": parameters,
    }
    return pb.ModelInferRequest(**{**fields, **changes})


def test_v1_predictions_are_openais_answers(predictor: Predictor, expected: list[str]) -> None:
    body = {"instances": [PROMPTS[0], {"prompt": PROMPTS[1]}], "parameters": PARAMETERS}
    first, second = predictor.post(V1, body).json()["predictions"]
    assert [first, second["text"]] == expected
    assert second["usage"]["completion_tokens"] == TOKENS


def test_a_v1_chat_is_openais_chat(predictor: Predictor) -> None:
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    chat = {"model": MODEL_NAME, "messages": messages, **PARAMETERS}
    openai = predictor.post("/v1/chat/completions", chat).json()
    body = {"instances": [{"messages": messages, **PARAMETERS}]}
    prediction = predictor.post(V1, body).json()["predictions"][0]
    assert prediction["text"] == openai["choices"][0]["message"]["content"]
    assert prediction["usage"]["prompt_tokens"] == openai["usage"]["prompt_tokens"]


def test_v2_texts_are_openais_answers(predictor: Predictor, expected: list[str]) -> None:
    tensor = {"name": "prompt", "datatype": "BYTES", "shape": [2], "data": PROMPTS}
    answer = predictor.post(V2, {"id": "a", "inputs": [tensor], "parameters": PARAMETERS}).json()
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert answer["id"] == "a"
    assert outputs["text_output"] == expected
    assert outputs["completion_tokens"] == [TOKENS, TOKENS]
    assert outputs["finish_reason"] == ["length", "length"]


def test_v2_binary_tensors_are_openais_answers(predictor: Predictor, expected: list[str]) -> None:
    binary = bytes_tensor(PROMPTS)
    header = json.dumps(
        {
            "inputs": [
                {
                    "name": "prompt",
                    "datatype": "BYTES",
                    "shape": [2],
                    "parameters": {"binary_data_size": len(binary)},
                }
            ],
            "outputs": [{"name": "text_output", "parameters": {"binary_data": True}}],
            "parameters": PARAMETERS,
        }
    ).encode()
    answer = httpx.post(
        predictor.url + V2,
        content=header + binary,
        headers={"inference-header-content-length": str(len(header))},
        timeout=60,
    )
    length = int(answer.headers["inference-header-content-length"])
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert (output["name"], output["shape"]) == ("text_output", [2])
    assert answer.content[length:] == bytes_tensor(expected)


def test_v2_over_grpc_is_openais_answer(
    stub: GRPCInferenceServiceStub, expected: list[str]
) -> None:
    answer = stub.ModelInfer(infer_request(id="b"), timeout=60)
    texts = next(output for output in answer.outputs if output.name == "text_output")
    assert answer.id == "b"
    assert [text.decode() for text in texts.contents.bytes_contents] == expected


def test_raw_grpc_tensors_are_answered_with_raw_ones(
    stub: GRPCInferenceServiceStub, expected: list[str]
) -> None:
    tensor = pb.ModelInferRequest.InferInputTensor(name="prompt", datatype="BYTES", shape=[2])
    request = infer_request(
        inputs=[tensor],
        raw_input_contents=[bytes_tensor(PROMPTS)],
        outputs=[pb.ModelInferRequest.InferRequestedOutputTensor(name="text_output")],
    )
    answer = stub.ModelInfer(request, timeout=60)
    assert list(answer.raw_output_contents) == [bytes_tensor(expected)]


def test_metadata_and_health_are_the_same_over_rest_and_grpc(
    predictor: Predictor, stub: GRPCInferenceServiceStub
) -> None:
    server = predictor.get("/v2").json()
    by_grpc = stub.ServerMetadata(pb.ServerMetadataRequest())
    assert (by_grpc.name, by_grpc.version) == (server["name"], server["version"])
    assert list(by_grpc.extensions) == server["extensions"] == ["binary_tensor_data"]
    model = predictor.get(f"/v2/models/{MODEL_NAME}").json()
    model_by_grpc = stub.ModelMetadata(pb.ModelMetadataRequest(name=MODEL_NAME))
    assert [tensor["name"] for tensor in model["inputs"]] == ["prompt"]
    assert [tensor.name for tensor in model_by_grpc.inputs] == ["prompt"]
    assert predictor.get("/v2/models").json() == {"models": [MODEL_NAME]}
    assert predictor.get(f"/v2/models/{MODEL_NAME}/ready").json()["ready"] is True
    assert stub.ServerLive(pb.ServerLiveRequest()).live
    assert stub.ServerReady(pb.ServerReadyRequest()).ready
    assert stub.ModelReady(pb.ModelReadyRequest(name=MODEL_NAME)).ready
    for path in ("/", "/health", "/v2/health/live", "/v2/health/ready"):
        assert predictor.get(path).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model_name": "nobody"}, grpc.StatusCode.NOT_FOUND),
        ({"model_version": "2"}, grpc.StatusCode.UNIMPLEMENTED),
        ({"inputs": []}, grpc.StatusCode.INVALID_ARGUMENT),
        (
            {"parameters": {"max_tokens": pb.InferParameter(int64_param=-1)}},
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            {"parameters": {"colour": pb.InferParameter(string_param="red")}},
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            {
                "inputs": [
                    pb.ModelInferRequest.InferInputTensor(
                        name="prompt",
                        datatype="BYTES",
                        shape=[1],
                        contents=pb.InferTensorContents(bytes_contents=[b"word " * 4000]),
                    )
                ]
            },
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            {
                "inputs": [
                    pb.ModelInferRequest.InferInputTensor(
                        name="prompt",
                        datatype="BYTES",
                        shape=[1],
                        contents=pb.InferTensorContents(bytes_contents=[b"\xff\xfe"]),
                    )
                ]
            },
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
    ],
)
def test_a_wrong_grpc_request_has_the_status_that_says_so(
    stub: GRPCInferenceServiceStub, changes: dict[str, Any], code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(infer_request(**changes), timeout=60)
    assert caught.value.code() == code
    assert "Traceback" not in caught.value.details()


def test_a_grpc_message_over_the_limit_is_refused(stub: GRPCInferenceServiceStub) -> None:
    request = infer_request(raw_input_contents=[bytes(9 * 2**20)])
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request, timeout=60)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        (("x-priority", "first"), "x-priority"),
        (("x-request-deadline-ms", "soon"), "x-request-deadline-ms"),
        (("x-tenant-id", "two words"), "x-tenant-id"),
    ],
)
def test_grpc_metadata_is_read_as_headers_are(
    stub: GRPCInferenceServiceStub, metadata: tuple[str, str], name: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(infer_request(), metadata=[metadata], timeout=60)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert name in caught.value.details()


def test_a_grpc_deadline_ends_the_work(stub: GRPCInferenceServiceStub) -> None:
    request = infer_request(parameters={"max_tokens": pb.InferParameter(int64_param=1500)})
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request, timeout=0.5)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_nobody_loads_or_unloads_the_model_over_grpc(
    predictor: Predictor, stub: GRPCInferenceServiceStub
) -> None:
    for call, request in (
        (stub.RepositoryModelUnload, pb.RepositoryModelUnloadRequest(model_name=MODEL_NAME)),
        (stub.RepositoryModelLoad, pb.RepositoryModelLoadRequest(model_name=MODEL_NAME)),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(request, timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert stub.ModelReady(pb.ModelReadyRequest(name=MODEL_NAME)).ready


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_route_that_changes_or_describes_the_server_is_closed(
    predictor: Predictor, method: str, path: str
) -> None:
    answer = httpx.request(method, predictor.url + path, json={})
    assert answer.status_code == 404
    assert "error" in answer.json()


def test_vllms_metrics_stand_beside_the_predictors(predictor: Predictor) -> None:
    text = predictor.get("/metrics").text
    assert "pilotlight_predictor_in_flight_requests" in text
    assert "vllm:" in text
