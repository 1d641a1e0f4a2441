"""A predictor over gRPC that does what the prompt says, and a transformer's front before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from pilotlight_transformer.inflight import InFlight
from pilotlight_transformer.rpc.front import GrpcFront, GrpcLimits
from tests.unit.transformer.playing import Play
from tests.unit.transformer.rpc.kserve_messages import pb

SERVICE = "/inference.GRPCInferenceService/"
REVISION = ("x-pilotlight-revision", "m-00002")
ANSWER = b"\x0a\x01m\x1a\x017 and bytes that are no message \xff"


class GrpcPredictor(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc is not typed
    """Answers with :data:`ANSWER`, unless ``refuse`` or ``slow`` is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes, dict[str, Any]]] = []
        self.remaining_s: float | None = None
        self.refuse: tuple[grpc.StatusCode, str] | None = None
        self.slow = False
        self.answer = ANSWER
        self.working = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.port = 0

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        async def answer(message: bytes, context: aio.ServicerContext) -> bytes:
            metadata = dict(context.invocation_metadata() or ())
            self.asked.append((details.method.removeprefix(SERVICE), message, metadata))
            self.remaining_s = context.time_remaining()
            self.working.release()
            if self.slow:
                try:
                    await self.go_on.wait()
                except asyncio.CancelledError:
                    self.cancelled.set()
                    raise
            if self.refuse is not None:
                await context.abort(*self.refuse, (("x-why", "because"),))
            await context.send_initial_metadata((REVISION,))
            if details.method.endswith("ServerReady"):
                return b"\x08\x01"
            return self.answer

        return grpc.unary_unary_rpc_method_handler(answer)


class Rpc:
    """A client, the front and the predictor, on loopback."""

    def __init__(self, predictor: GrpcPredictor, front: GrpcFront, channel: aio.Channel) -> None:
        self.predictor = predictor
        self.front = front
        self.channel = channel

    def call(self, method: str, message: bytes, **options: Any) -> Any:
        return self.channel.unary_unary(SERVICE + method)(message, **options)

    def infer(self, name: str = "m", **options: Any) -> Any:
        message = pb.ModelInferRequest(model_name=name, id="7").SerializeToString()
        return self.call("ModelInfer", message, **options)


@asynccontextmanager
async def rpc(
    folder: Path, pipeline: str | None = None, limits: GrpcLimits | None = None, **options: Any
) -> AsyncIterator[Rpc]:
    """All three; ``pipeline`` as :class:`Play` takes it."""
    predictor = GrpcPredictor()
    server = aio.server(
        handlers=(predictor,), options=[("grpc.max_receive_message_length", 64 * 2**20)]
    )
    predictor.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with Play(pipeline, folder) if pipeline else Play("[]", folder) as play:
            address = f"127.0.0.1:{predictor.port}"
            inflight = InFlight(play.pipeline)
            front = GrpcFront(0, address, inflight, limits=limits, host="127.0.0.1", **options)
            await front.start()
            try:
                async with aio.insecure_channel(f"127.0.0.1:{front.port}") as channel:
                    yield Rpc(predictor, front, channel)
            finally:
                await front.drain(0)
    finally:
        await server.stop(0)
