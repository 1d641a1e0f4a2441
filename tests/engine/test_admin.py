"""Who may do what: the users' key, the administrators' token, and what stays open."""

import grpc
import httpx
import openai
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from openai import OpenAI

from tests.engine.guarded_predictor import ADMIN_TOKEN, API_KEY, GuardedPredictor
from tests.engine.predictor_process import MODEL_NAME

V2_BODY = {
    "inputs": [{"name": "prompt", "datatype": "BYTES", "shape": [1], "data": ["Hi"]}],
    "parameters": {"max_tokens": 1},
}
GUARDED = (
    ("/v1/completions", {"model": MODEL_NAME, "prompt": "Hi", "max_tokens": 1}),
    ("/openai/v1/completions", {"model": MODEL_NAME, "prompt": "Hi", "max_tokens": 1}),
    ("/tokenize", {"model": MODEL_NAME, "prompt": "Hi"}),
    (f"/v1/models/{MODEL_NAME}:predict", {"instances": ["Hi"], "parameters": {"max_tokens": 1}}),
    (f"/v2/models/{MODEL_NAME}/infer", V2_BODY),
)
WRONG = (None, "", "wrong", ADMIN_TOKEN, API_KEY[:-1], API_KEY + "x", "ä")


@pytest.mark.parametrize(("path", "body"), GUARDED)
def test_every_protocol_asks_for_the_key(
    guarded_predictor: GuardedPredictor, path: str, body: object
) -> None:
    assert guarded_predictor.post(path, body, API_KEY).status_code == 200
    for token in WRONG:
        value = b"" if token is None else f"Bearer {token}".strip().encode()
        headers = {b"authorization": value} if value else {}
        answer = httpx.post(guarded_predictor.url + path, json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    for scheme in ("Basic", "Token", ""):
        headers = {b"authorization": f"{scheme} {API_KEY}".strip().encode()}
        answer = httpx.post(guarded_predictor.url + path, json=body, headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/v1/models", "/v2/models", f"/v1/models/{MODEL_NAME}", "/none"])
def test_without_the_key_nothing_is_told_of_the_models(
    guarded_predictor: GuardedPredictor, path: str
) -> None:
    answer = httpx.get(guarded_predictor.url + path)
    assert answer.status_code == 401
    assert MODEL_NAME not in answer.text


def test_openais_client_sees_an_authentication_error(guarded_predictor: GuardedPredictor) -> None:
    with (
        OpenAI(base_url=f"{guarded_predictor.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


def test_grpc_asks_for_the_key(guarded_predictor: GuardedPredictor) -> None:
    request = pb.ModelInferRequest(
        model_name=MODEL_NAME,
        inputs=[
            pb.ModelInferRequest.InferInputTensor(
                name="prompt",
                datatype="BYTES",
                shape=[1],
                contents=pb.InferTensorContents(bytes_contents=[b"Hi"]),
            )
        ],
        parameters={"max_tokens": pb.InferParameter(int64_param=1)},
    )
    port = guarded_predictor.predictor.grpc_port
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        right = [("authorization", f"Bearer {API_KEY}")]
        assert stub.ModelInfer(request, metadata=right, timeout=60).outputs
        for token in (None, "wrong", ADMIN_TOKEN):
            metadata = [] if token is None else [("authorization", f"Bearer {token}")]
            with pytest.raises(grpc.RpcError) as caught:
                stub.ModelInfer(request, metadata=metadata, timeout=60)
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert stub.ServerReady(pb.ServerReadyRequest(), timeout=10).ready


@pytest.mark.parametrize(
    "path", ["/", "/health", "/v2/health/live", "/v2/health/ready", "/metrics"]
)
def test_health_and_metrics_stay_open(guarded_predictor: GuardedPredictor, path: str) -> None:
    assert httpx.get(guarded_predictor.url + path).status_code == 200


def test_the_admin_token_is_no_key_and_the_key_no_admin_token(
    guarded_predictor: GuardedPredictor,
) -> None:
    body = {"model": MODEL_NAME, "prompt": "Hi", "max_tokens": 1}
    assert guarded_predictor.post("/v1/completions", body, ADMIN_TOKEN).status_code == 401
    assert guarded_predictor.admin("unload", {"name": "nobody"}, API_KEY).status_code == 401
    assert guarded_predictor.admin("unload", {"name": "nobody"}).status_code == 404


def test_no_log_line_holds_a_secret_or_a_prompt(guarded_predictor: GuardedPredictor) -> None:
    word = "xylophonequartz"
    guarded_predictor.text(MODEL_NAME, prompt=f"The {word} is", max_tokens=2)
    guarded_predictor.post("/v1/completions", {"model": MODEL_NAME, "prompt": [word, 5]})
    log = guarded_predictor.predictor.log.read_text(errors="replace")
    for secret in (API_KEY, ADMIN_TOKEN, word):
        assert secret not in log
