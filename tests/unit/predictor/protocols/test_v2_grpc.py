"""Open Inference Protocol V2 over gRPC, on a real channel."""

import asyncio
from typing import Any

import grpc
import numpy as np
import pytest
from grpc import StatusCode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kserve import InferInput, InferRequest, InferResponse
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from pilotlight.errors import Unavailable


def request(*texts: str, parameters: dict[str, Any] | None = None) -> pb.ModelInferRequest:
    tensor = InferInput("prompt", [len(texts)], "BYTES", list(texts))
    return InferRequest("echo", [tensor], request_id="42", parameters=parameters).to_grpc()


def texts(answer: pb.ModelInferResponse) -> list[str]:
    tensor = InferResponse.from_grpc(answer).get_output_by_name("text_output")
    return [text.decode() for text in tensor.as_numpy()]


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_prompts_come_back_in_tensors(stub: GRPCInferenceServiceStub, generator: Any) -> None:
    answer = await stub.ModelInfer(
        request("a b", "c", parameters={"max_tokens": 1, "temperature": "0.5"})
    )
    assert texts(answer) == ["[a]", "[c]"]
    assert answer.id == "42"
    assert InferResponse.from_grpc(answer).get_output_by_name("prompt_tokens").data == [2, 1]
    assert generator.bodies[0]["temperature"] == 0.5


async def test_raw_contents_come_back_raw(stub: GRPCInferenceServiceStub) -> None:
    tensor = InferInput("prompt", [2, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[b"a"], ["ü".encode()]], dtype=np.object_))
    answer = await stub.ModelInfer(InferRequest("echo", [tensor]).to_grpc())
    assert len(answer.raw_output_contents) == len(answer.outputs) == 4
    assert texts(answer) == ["[a]", "[ü]"]


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("!long", StatusCode.INVALID_ARGUMENT),
        ("!token", StatusCode.UNAUTHENTICATED),
        ("!adapter", StatusCode.NOT_FOUND),
        ("!busy", StatusCode.RESOURCE_EXHAUSTED),
        ("!down", StatusCode.UNAVAILABLE),
        ("!late", StatusCode.DEADLINE_EXCEEDED),
    ],
)
async def test_a_refusal_has_a_status_of_its_own(
    stub: GRPCInferenceServiceStub, prompt: str, code: StatusCode
) -> None:
    error = await refused(stub.ModelInfer(request(prompt)))
    assert error.code() is code
    assert error.details()


async def test_an_overload_says_when_to_come_back(stub: GRPCInferenceServiceStub) -> None:
    error = await refused(stub.ModelInfer(request("!busy")))
    assert ("grpc-retry-pushback-ms", "1500") in list(error.trailing_metadata())


async def test_a_bug_tells_the_client_nothing(
    stub: GRPCInferenceServiceStub, caplog: pytest.LogCaptureFixture
) -> None:
    error = await refused(stub.ModelInfer(request("!bug")))
    assert (error.code(), error.details()) == (StatusCode.INTERNAL, "internal error")
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (request("a", parameters={"max_token": 1}), "max_token"),
        (request("a", parameters={"top_p": "high"}), "top_p"),
        (pb.ModelInferRequest(model_name="echo"), "inputs"),
        (pb.ModelInferRequest(model_name="echo", raw_input_contents=[b"a"]), "inputs"),
        (
            pb.ModelInferRequest(
                model_name="echo", inputs=[{"name": "prompt", "shape": [1], "datatype": "WORDS"}]
            ),
            "content type",
        ),
    ],
)
async def test_a_wrong_request_is_an_invalid_argument(
    stub: GRPCInferenceServiceStub, sent: pb.ModelInferRequest, named: str
) -> None:
    error = await refused(stub.ModelInfer(sent))
    assert error.code() is StatusCode.INVALID_ARGUMENT
    assert named in error.details()


async def test_an_unknown_model_is_not_found(stub: GRPCInferenceServiceStub) -> None:
    for call in (
        stub.ModelInfer(pb.ModelInferRequest(model_name="other")),
        stub.ModelReady(pb.ModelReadyRequest(name="other")),
        stub.ModelMetadata(pb.ModelMetadataRequest(name="other")),
    ):
        assert (await refused(call)).code() is StatusCode.NOT_FOUND


async def test_nobody_can_unload_the_model(stub: GRPCInferenceServiceStub) -> None:
    for call in (
        stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="echo")),
        stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="echo")),
    ):
        assert (await refused(call)).code() is StatusCode.UNIMPLEMENTED
    assert texts(await stub.ModelInfer(request("a"))) == ["[a]"]


async def test_health_and_metadata(stub: GRPCInferenceServiceStub, readiness: Any) -> None:
    assert (await stub.ServerLive(pb.ServerLiveRequest())).live
    assert (await stub.ServerReady(pb.ServerReadyRequest())).ready
    assert (await stub.ModelReady(pb.ModelReadyRequest(name="echo"))).ready
    readiness.ready = False
    assert (await stub.ServerLive(pb.ServerLiveRequest())).live
    assert not (await stub.ServerReady(pb.ServerReadyRequest())).ready
    assert not (await stub.ModelReady(pb.ModelReadyRequest(name="echo"))).ready
    metadata = await stub.ModelMetadata(pb.ModelMetadataRequest(name="echo"))
    assert [tensor.name for tensor in metadata.inputs] == ["prompt"]
    assert "model_repository_extension" not in (
        (await stub.ServerMetadata(pb.ServerMetadataRequest())).extensions
    )


async def test_the_scope_sees_the_metadata_and_lasts_as_long_as_the_call(
    stub: GRPCInferenceServiceStub, scope: Any, generator: Any
) -> None:
    call = stub.ModelInfer(
        request("!wait"),
        metadata=[("x-priority", "batch"), ("x-tenant-id", "t"), ("x-trace-bin", b"\0")],
        timeout=30,
    )
    await generator.waiting.wait()
    assert scope.inside == 1
    headers = scope.headers[0]
    assert (headers["x-priority"], headers["x-tenant-id"]) == ("batch", "t")
    assert "x-trace-bin" not in headers
    # gRPC sends the time left in coarse units.
    assert 25_000 < int(headers["x-request-deadline-ms"]) < 31_000
    call.cancel()
    async with asyncio.timeout(5):
        await generator.cancelled.wait()
        await scope.left.wait()
    assert scope.inside == 0


async def test_a_call_without_a_deadline_has_none(
    stub: GRPCInferenceServiceStub, scope: Any
) -> None:
    await stub.ModelInfer(request("a"))
    assert "x-request-deadline-ms" not in scope.headers[0]


async def test_the_scope_may_refuse(stub: GRPCInferenceServiceStub, scope: Any) -> None:
    scope.refusal = Unavailable("draining")
    error = await refused(stub.ModelInfer(request("a")))
    assert (error.code(), error.details()) == (StatusCode.UNAVAILABLE, "draining")


async def test_a_message_over_the_limit_is_refused(stub: GRPCInferenceServiceStub) -> None:
    error = await refused(stub.ModelInfer(request("a" * 100_000)))
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    assert texts(await stub.ModelInfer(request("a"))) == ["[a]"]


PARAMETER = st.one_of(
    st.booleans().map(lambda v: pb.InferParameter(bool_param=v)),
    st.integers(-(2**63), 2**63 - 1).map(lambda v: pb.InferParameter(int64_param=v)),
    st.text(max_size=6).map(lambda v: pb.InferParameter(string_param=v)),
    st.just(pb.InferParameter()),
)
PARAMETERS = st.dictionaries(
    st.sampled_from(["max_tokens", "temperature", "stop", "chat", "n"]) | st.text(max_size=4),
    PARAMETER,
    max_size=2,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["prompt", "messages", "other"]),
    datatype=st.sampled_from(["BYTES", "bytes", "FP32", "FP16", ""]),
    shape=st.lists(st.integers(-1, 3) | st.integers(-(2**63), 2**63 - 1), max_size=3),
    contents=st.none() | st.lists(st.binary(max_size=6), max_size=3),
    raw=st.lists(st.binary(max_size=12), max_size=2),
    of_request=PARAMETERS,
    of_tensor=PARAMETERS,
)
async def test_no_request_is_an_internal_error(
    stub: GRPCInferenceServiceStub,
    name: str,
    datatype: str,
    shape: list[int],
    contents: list[bytes] | None,
    raw: list[bytes],
    of_request: dict[str, pb.InferParameter],
    of_tensor: dict[str, pb.InferParameter],
) -> None:
    tensor = {"name": name, "datatype": datatype, "shape": shape, "parameters": of_tensor}
    if contents is not None:
        tensor["contents"] = {"bytes_contents": contents}
    sent = pb.ModelInferRequest(
        model_name="echo", inputs=[tensor], raw_input_contents=raw, parameters=of_request
    )
    try:
        await stub.ModelInfer(sent)
    except grpc.aio.AioRpcError as error:
        assert error.code() is StatusCode.INVALID_ARGUMENT, error.details()  # noqa: PT017
