"""The server for clients that speak KServe's V2 protocol over gRPC."""

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

import grpc
from grpc import aio

from pilotlight.errors import (
    BodyTooSlow,
    InvalidRequest,
    OperationError,
    RequestError,
    Unavailable,
)
from pilotlight.telemetry import bound_request_id
from pilotlight_transformer.forward.onward import DEADLINE, deadline_of
from pilotlight_transformer.http.reply import REQUEST_ID
from pilotlight_transformer.inflight import InFlight, Running
from pilotlight_transformer.observer import Observer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.rpc.metadata import headers_of
from pilotlight_transformer.rpc.methods import LIVE, METHODS, READY, Method
from pilotlight_transformer.rpc.reply import GrpcReply, refuse
from pilotlight_transformer.rpc.upstream import Channels, GrpcUpstream

READY_S = 2.0
"""How long the predictor may take to say whether it is ready."""

_LONGEST_DEADLINE_S = 24 * 3600.0
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_YES, _NO = b"\x08\x01", b""
"""``ServerLiveResponse`` and ``ServerReadyResponse``: field 1, a bool; left out if false."""


@dataclass(frozen=True, slots=True)
class GrpcLimits:
    """Bounds of the gRPC side.

    Attributes:
        message_bytes: Of a request and of an answer. Requests are held in memory: up to
            ``message_bytes * calls`` of them.
        calls: At a time; more are refused with RESOURCE_EXHAUSTED before they are read.
        read_s: From a call's start to its message's last byte.
        answer_s: For the predictor, if the client names no deadline.
    """

    message_bytes: int = 32 * 2**20
    calls: int = 256
    read_s: float = 60.0
    answer_s: float = 600.0


class GrpcFront(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc is not typed
    """Takes calls, lets them go through the pipeline, and asks the predictor over gRPC.

    Args:
        port: To listen on, on every address; 0 takes a free one.
        upstream_address: ``host:port`` of the predictor.
        inflight: The pipeline, and the calls on their way through it.
        observers: Told of every call that goes through the pipeline.
        ready: Whether the transformer itself takes requests.
        authority: What the predictor is called; Knative routes by it.
        credentials: To speak TLS to the predictors with, or nothing.
        reuse_port: Several processes listen on the port.

    Attributes:
        port: That it listens on, from :meth:`start` on.
    """

    def __init__(
        self,
        port: int,
        upstream_address: str,
        inflight: InFlight,
        *,
        observers: Sequence[Observer] = (),
        ready: Callable[[], bool] = lambda: True,
        limits: GrpcLimits | None = None,
        authority: str = "",
        credentials: grpc.ChannelCredentials | None = None,
        host: str = "[::]",
        reuse_port: bool = False,
    ) -> None:
        self.port = port
        self._host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        self._limits = limits or GrpcLimits()
        self._reuse_port = reuse_port
        self._inflight = inflight
        self._observers = tuple(observers)
        self._ready = ready
        self._channels = Channels(
            upstream_address, authority, self._limits.message_bytes, credentials
        )
        self._server: aio.Server | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OperationError: The port is taken, or the host is none of this machine's.
        """
        server = aio.server(
            handlers=(self,),
            options=[
                ("grpc.max_receive_message_length", self._limits.message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", int(self._reuse_port)),
            ],
            maximum_concurrent_rpcs=self._limits.calls,
            compression=grpc.Compression.NoCompression,
        )
        self._server = server
        try:
            self.port = server.add_insecure_port(f"{self._host}:{self.port}")
        except RuntimeError:
            raise OperationError(
                f"gRPC cannot listen on {self._host}, port {self.port}: is the port taken?"
            ) from None
        await server.start()

    def stop_accepting(self) -> None:
        """Take no new calls; those that run go on until :meth:`drain`."""
        if self._server is not None:
            self._stopping = asyncio.create_task(self._server.stop(_LONGEST_DEADLINE_S))

    async def drain(self, grace_s: float) -> None:
        """Take no new calls, let those that run come to their end, and close."""
        if self._server is not None:
            await self._server.stop(grace_s)
            if self._stopping is not None:
                await self._stopping
        await self._channels.close()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Who answers a method; nobody for those that are not offered: UNIMPLEMENTED.

        On the wire a single message looks the same whether the method streams; as a stream, it
        can be waited for with a deadline.
        """
        name: str = details.method
        if name == LIVE:
            return grpc.stream_unary_rpc_method_handler(self._live)
        if name == READY:
            return grpc.stream_unary_rpc_method_handler(self._is_ready)
        method = METHODS.get(name)
        if method is None:
            return None
        return grpc.stream_unary_rpc_method_handler(partial(self._handle, method))

    async def _live(self, messages: object, context: aio.ServicerContext) -> bytes:
        return _YES

    async def _is_ready(self, messages: object, context: aio.ServicerContext) -> bytes:
        if not self._ready():
            return _NO
        try:
            return await self._channels.ready(READY, READY_S)
        except RequestError:
            return _NO

    async def _handle(
        self, method: Method, messages: object, context: aio.ServicerContext
    ) -> bytes:
        try:
            call = self._call(method, context, await self._read(context))
        except RequestError as error:
            await refuse(context, error)
        reply = GrpcReply()
        upstream = GrpcUpstream(self._channels, method.full_name, self._limits.answer_s)
        running = self._begin(call, upstream, reply)
        assert running.task is not None  # noqa: S101  # set by _begin
        try:
            await asyncio.shield(running.task)
        except asyncio.CancelledError:
            if running.task.cancelled():
                await refuse(context, Unavailable("this server stops: try again", retry_after_s=1))
            running.client_left()
            raise
        return await reply.say(context, upstream.failure)

    async def _read(self, context: aio.ServicerContext) -> bytes:
        """The one message of a call.

        Raises:
            InvalidRequest: There is none, or more than one.
            BodyTooSlow: It did not come in time.
        """
        try:
            async with asyncio.timeout(self._limits.read_s):
                message = await context.read()
                rest = aio.EOF if message is aio.EOF else await context.read()
        except TimeoutError:
            raise BodyTooSlow(
                f"the message did not arrive within {self._limits.read_s:g} s"
            ) from None
        if message is aio.EOF or rest is not aio.EOF:
            raise InvalidRequest("send one message, and no other one after it")
        read: bytes = message
        return read

    def _call(self, method: Method, context: aio.ServicerContext, message: bytes) -> Call:
        headers = headers_of(context.invocation_metadata() or ())
        given = headers.text(REQUEST_ID)
        if given is not None and _REQUEST_ID.fullmatch(given) is None:
            raise InvalidRequest("x-request-id: use 1 to 128 printable ASCII characters")
        matched = method.match(message)
        call = Call(
            route=matched.route,
            method=method.verb,
            path=matched.path,
            headers=headers,
            body=message,
            arrived_at=time.monotonic(),
            request_id=given or f"{random.getrandbits(128):032x}",
            path_name=matched.name,
            peer=_address(context.peer()),
            over_grpc=True,
        )
        self._bound(call, context.time_remaining())
        return call

    def _bound(self, call: Call, remaining_s: float | None) -> None:
        """Let the earlier of the two deadlines count: gRPC's own, and the header's."""
        said = deadline_of(call)
        if remaining_s is None or remaining_s > _LONGEST_DEADLINE_S:
            return
        if said is None or call.arrived_at + remaining_s < said:
            call.headers.put(DEADLINE, b"%d" % max(1, int(remaining_s * 1000)))

    def _begin(self, call: Call, upstream: GrpcUpstream, reply: GrpcReply) -> Running:
        running = self._inflight.begin(call)
        for observer in self._observers:
            observer.began(call)
        running.exchange = running.pipeline.open(call, upstream, reply)
        running.task = asyncio.create_task(self._run(running))
        return running

    async def _run(self, running: Running) -> None:
        exchange = running.exchange
        assert exchange is not None  # noqa: S101  # set by _begin
        try:
            with bound_request_id(running.call.request_id):
                await exchange.run()
        finally:
            self._inflight.end(running)
            for observer in self._observers:
                observer.ended(running.call, exchange.outcome)


def _address(peer: str) -> str:
    """The client's address out of ``ipv4:192.0.2.1:5000`` or ``ipv6:[2001:db8::1]:5000``."""
    kind, _, rest = unquote(peer).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else rest
