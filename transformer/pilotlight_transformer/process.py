"""One worker: starts, serves, drains, ends."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector

from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import OperationError
from pilotlight.server_settings import KNATIVE_REVISION_VARIABLE
from pilotlight_transformer.drain import Door, Drain, DrainPlan
from pilotlight_transformer.forward.forwarder import Forwarder
from pilotlight_transformer.forward.pools import Pools
from pilotlight_transformer.forward.predictor import PredictorClient
from pilotlight_transformer.gateway import Gateway
from pilotlight_transformer.http.server import HttpServer
from pilotlight_transformer.metrics.requests import RequestCounter
from pilotlight_transformer.metrics.server import ServerMetrics
from pilotlight_transformer.own_routes import OwnRoutes, Phase
from pilotlight_transformer.pipeline.configuration import Configuration
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.place import ALONE, Place
from pilotlight_transformer.reload import PipelineFile
from pilotlight_transformer.routing.breaker import Breakers
from pilotlight_transformer.settings import TransformerSettings

if TYPE_CHECKING:
    from pilotlight_transformer.rpc.front import GrpcFront

logger = logging.getLogger(__name__)


class TransformerProcess:
    """One process that serves, from its start to its end. Made inside its event loop.

    Args:
        settings: Of the command line.
        listener: A socket that listens.
        place: Among the processes of the server.
    """

    def __init__(
        self,
        settings: TransformerSettings,
        listener: socket.socket,
        place: Place = ALONE,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._place = place
        self._clock = clock or SystemClock()
        target = settings.target()
        breakers = self._breakers = Breakers(self._clock)
        tls = ssl.create_default_context() if settings.use_tls else None
        self._pools = Pools(settings.upstream_limits(), tls)
        self._predictor = PredictorClient(self._pools, target, breakers)
        counter = RequestCounter(os.environ.get(KNATIVE_REVISION_VARIABLE, ""))
        self._metrics = ServerMetrics(
            counter, self._in_flight, self._collectors, place.folder, place.number
        )
        self._own = OwnRoutes(self._metrics.text)
        forwarder = Forwarder(self._pools, target, breakers)
        self._gateway = Gateway(forwarder, self._own, [counter])
        self._grpc = self._grpc_front(counter)
        self._http = HttpServer(self._gateway, settings.limits())
        doors: list[Door] = [self._http] if self._grpc is None else [self._http, self._grpc]
        self._drain = Drain(self._own, doors, self._gateway.inflight, self._pools)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; a second one cuts the drain short.

        Raises:
            UsageError: The pipeline cannot be used.
            OperationError: Requests were cut at the end.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        allow_many_files()
        await self._metrics.start()
        await self._http.start(self._listener)
        watching: asyncio.Task[None] | None = None
        try:
            watching = await self._start()
            if self._grpc is not None:
                await self._grpc.start()
            if not self._stop.is_set():
                calm_collector()
                self._own.phase = Phase.READY
                port = self._listener.getsockname()[1]
                logger.info("ready: worker %d serves port %d", self._place.number, port)
            await self._stop.wait()
            plan = DrainPlan(self._settings.drain_delay_s, self._settings.grace_period_s)
            cut = await self._drain.run(plan)
        finally:
            if watching is not None:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching
            await self._http.close()
            if self._grpc is not None:
                await self._grpc.drain(0)
            await self._gateway.inflight.close()
            await self._pools.close()
            await self._metrics.close()
        if cut:
            raise OperationError(f"{cut} requests were cut: the time to stop was over")
        logger.info("stopped: no request was cut")

    def _grpc_front(self, counter: RequestCounter) -> "GrpcFront | None":
        address = self._settings.grpc_target()
        if address is None:
            return None
        # Its library starts threads, and not everybody speaks gRPC.
        from pilotlight_transformer.rpc.front import GrpcFront
        from pilotlight_transformer.rpc.upstream import tls_credentials

        return GrpcFront(
            self._settings.grpc_port,
            address,
            self._gateway.inflight,
            observers=[counter],
            ready=lambda: self._own.phase is Phase.READY,
            authority=self._settings.predictor_authority,
            credentials=tls_credentials() if self._settings.grpc_uses_tls else None,
            host=self._settings.http_host,
            reuse_port=self._place.count > 1,
        )

    def _in_flight(self) -> int:
        return len(self._gateway.inflight)

    def _collectors(self) -> Iterable[Collector]:
        yield from self._breakers.collectors()
        yield from self._gateway.inflight.pipeline.collectors()

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._drain.hurry()
        self._stop.set()

    async def _start(self) -> asyncio.Task[None] | None:
        path = self._settings.pipeline
        if path is None:
            return None
        file = PipelineFile(path, self._use)
        await file.load()
        if not self._settings.reload_s:
            return None
        return asyncio.create_task(file.watch(self._settings.reload_s))

    async def _use(self, configuration: Configuration) -> None:
        pipeline = await Pipeline.build(
            configuration,
            self._settings.model_name,
            self._predictor,
            self._clock,
            self._place.count,
        )
        self._gateway.inflight.replace(pipeline)


def calm_collector() -> None:
    """Let the garbage collector pass over what was imported: its full look takes 50 ms less."""
    gc.collect()
    gc.freeze()


def allow_many_files() -> None:
    """Each stream needs two sockets: take all that the hard limit gives."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
