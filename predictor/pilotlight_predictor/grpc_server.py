"""Open Inference Protocol V2 over gRPC: KServe's servicer, with our limits and errors.

Importing this module imports KServe, which parses ``sys.argv`` when it is imported.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import grpc
from grpc import aio
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    add_GRPCInferenceServiceServicer_to_server,
)
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.infer_type import InferRequest
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from pilotlight_predictor.grpc_errors import ErrorInterceptor
from pilotlight_predictor.kserve_routes import EXTENSIONS
from pilotlight_predictor.request import DEADLINE_HEADER

# A client that waits longer than this may as well wait for ever.
LONGEST_DEADLINE_S = 24 * 3600.0

RequestScope = Callable[[Mapping[str, str]], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class GrpcLimits:
    """What one server takes.

    Args:
        max_send_bytes: Largest answer.
        max_receive_bytes: Largest request.
        max_concurrent_calls: Calls at a time; more get RESOURCE_EXHAUSTED. ``None``: no limit.
    """

    max_send_bytes: int = 8 * 1024 * 1024
    max_receive_bytes: int = 8 * 1024 * 1024
    max_concurrent_calls: int | None = None


def unscoped(headers: Mapping[str, str]) -> AbstractContextManager[None]:
    """The request scope that does nothing."""
    return nullcontext()


class PredictorServicer(InferenceServicer):  # type: ignore[misc]  # kserve is not typed
    """KServe's servicer, less what would let anybody unload the model."""

    def __init__(
        self,
        dataplane: DataPlane,
        repository: ModelRepositoryExtension,
        is_ready: Callable[[], bool],
        request_scope: RequestScope,
    ) -> None:
        super().__init__(dataplane, repository)
        self._is_ready = is_ready
        self._request_scope = request_scope

    async def ServerReady(  # noqa: N802  # the protocol's name
        self, request: pb.ServerReadyRequest, context: aio.ServicerContext
    ) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self._is_ready())

    async def ServerMetadata(  # noqa: N802
        self, request: pb.ServerMetadataRequest, context: aio.ServicerContext
    ) -> pb.ServerMetadataResponse:
        metadata = {**self._data_plane.metadata(), "extensions": EXTENSIONS}
        return pb.ServerMetadataResponse(**metadata)

    async def ModelInfer(  # noqa: N802
        self, request: pb.ModelInferRequest, context: aio.ServicerContext
    ) -> pb.ModelInferResponse:
        headers = call_headers(context)
        with self._request_scope(headers):
            self._data_plane.get_model_from_registry(request.model_name)
            if request.model_version:
                raise NotImplementedError("models have no versions here: leave it empty")
            self.validate_grpc_request(request)
            answer, _ = await self._data_plane.infer(
                request.model_name, InferRequest.from_grpc(request), headers
            )
            return answer.to_grpc()

    async def RepositoryModelLoad(  # noqa: N802
        self, request: pb.RepositoryModelLoadRequest, context: aio.ServicerContext
    ) -> pb.RepositoryModelLoadResponse:
        raise NotImplementedError("this server has one model, which cannot be loaded anew")

    async def RepositoryModelUnload(  # noqa: N802
        self, request: pb.RepositoryModelUnloadRequest, context: aio.ServicerContext
    ) -> pb.RepositoryModelUnloadResponse:
        raise NotImplementedError("this server has one model, which cannot be unloaded")


def call_headers(context: aio.ServicerContext) -> dict[str, str]:
    """The call's metadata as headers; a gRPC deadline becomes a request deadline.

    gRPC has deadlines of its own, so that a client need not say twice how long it waits.
    """
    headers = {
        key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)
    }
    remaining_s = context.time_remaining()
    if remaining_s is not None and remaining_s < LONGEST_DEADLINE_S:
        headers.setdefault(DEADLINE_HEADER, str(max(1, int(remaining_s * 1000))))
    return headers


def build_grpc_server(
    port: int,
    dataplane: DataPlane,
    model_repository_extension: ModelRepositoryExtension,
    max_threads: int,
    limits: GrpcLimits,
    *,
    is_ready: Callable[[], bool],
    request_scope: RequestScope = unscoped,
) -> aio.Server:
    """A server that is bound to its port but not started.

    Args:
        port: TCP port, on all addresses.
        max_threads: Threads for whatever blocks in gRPC itself.
        limits: Bounds on messages and calls.
        is_ready: What ``ServerReady`` answers.
        request_scope: Entered with the call's metadata around every inference; it may refuse
            the request by raising a ``RequestError``.

    Raises:
        RuntimeError: The port is taken.
    """
    server = aio.server(
        ThreadPoolExecutor(max_workers=max_threads, thread_name_prefix="grpc"),
        interceptors=(ErrorInterceptor(),),
        options=[
            ("grpc.max_receive_message_length", limits.max_receive_bytes),
            ("grpc.max_send_message_length", limits.max_send_bytes),
            # Without this a second server would take over half of the calls, unnoticed.
            ("grpc.so_reuseport", 0),
        ],
        maximum_concurrent_rpcs=limits.max_concurrent_calls,
        compression=grpc.Compression.NoCompression,
    )
    add_GRPCInferenceServiceServicer_to_server(
        PredictorServicer(dataplane, model_repository_extension, is_ready, request_scope), server
    )
    server.add_insecure_port(f"[::]:{port}")
    return server
