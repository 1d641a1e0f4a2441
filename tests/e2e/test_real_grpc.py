"""V2 over gRPC through the ingress, on the real engine: the example as it stands."""

from collections.abc import Iterator

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.e2e.local_cluster import LocalCluster
from tests.e2e.real_engine import ANSWER, GRPC_EXAMPLE, MODEL, PROMPT, documents
from tests.e2e.workspace import ENGINE_READY_S, Workspace

NAME = str(documents(GRPC_EXAMPLE)[0]["metadata"]["name"])
CALL_S = 60.0


@pytest.fixture(scope="module")
def workspace(cluster: LocalCluster) -> Iterator[Workspace]:
    """Where the model's volume is."""
    workspace = Workspace(cluster, "default")
    yield workspace
    cluster.api.delete(workspace.reference(NAME))


@pytest.fixture(scope="module")
def stub(workspace: Workspace) -> Iterator[GRPCInferenceServiceStub]:
    workspace.cluster.kubectl("apply", "-f", str(GRPC_EXAMPLE))
    with workspace.endpoint(NAME, MODEL, ENGINE_READY_S).channel() as channel:
        yield GRPCInferenceServiceStub(channel)


def infer(**changes: object) -> pb.ModelInferRequest:
    """A greedy completion."""
    tensor = pb.ModelInferRequest.InferInputTensor(
        name="prompt",
        datatype="BYTES",
        shape=[1],
        contents=pb.InferTensorContents(bytes_contents=[PROMPT.encode()]),
    )
    parameters = {
        "temperature": pb.InferParameter(string_param="0"),
        "max_tokens": pb.InferParameter(int64_param=8),
    }
    fields = {"model_name": MODEL, "inputs": [tensor], "parameters": parameters, **changes}
    return pb.ModelInferRequest(**fields)


def test_it_is_ready(stub: GRPCInferenceServiceStub) -> None:
    assert stub.ServerReady(pb.ServerReadyRequest(), timeout=CALL_S).ready
    assert stub.ModelReady(pb.ModelReadyRequest(name=MODEL), timeout=CALL_S).ready


def test_it_answers(stub: GRPCInferenceServiceStub) -> None:
    answer = stub.ModelInfer(infer(), timeout=CALL_S)
    outputs = {output.name: output for output in answer.outputs}
    assert ANSWER.encode() in outputs["text_output"].contents.bytes_contents[0]


def test_an_error_keeps_its_code_on_the_way(stub: GRPCInferenceServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(infer(model_name="other"), timeout=CALL_S)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
