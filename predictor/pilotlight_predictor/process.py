"""The predictor's process: starts, serves, drains, ends."""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pilotlight.clock import SystemClock
from pilotlight.errors import EngineError, OperationError, PilotlightError
from pilotlight.server_settings import KNATIVE_REVISION_VARIABLE
from pilotlight_predictor.children import ForkHygiene
from pilotlight_predictor.drain import Drain, DrainPlan
from pilotlight_predictor.front import Front
from pilotlight_predictor.health.routes import HealthRoutes
from pilotlight_predictor.http_server import bind, build_http_server
from pilotlight_predictor.inflight import InFlight
from pilotlight_predictor.metrics import IN_FLIGHT, REQUESTS, show_phases, show_state
from pilotlight_predictor.phases import StartPhases
from pilotlight_predictor.scope import RequestScope
from pilotlight_predictor.serving import Serving
from pilotlight_predictor.settings import PredictorSettings
from pilotlight_predictor.state import Lifecycle, State

logger = logging.getLogger(__name__)


class PredictorProcess:
    """One predictor, from its start to its end."""

    def __init__(self, settings: PredictorSettings, vllm_argv: Sequence[str]) -> None:
        clock = SystemClock()
        self._settings = settings
        self._vllm_argv = vllm_argv
        self._lifecycle = Lifecycle()
        self._lifecycle.on_change(show_state)
        self._phases = StartPhases(clock, process_started_s())
        self._inflight = InFlight()
        IN_FLIGHT.set_function(lambda: len(self._inflight))
        revision = REQUESTS.revision = os.environ.get(KNATIVE_REVISION_VARIABLE, "")
        self._drain = Drain(self._inflight)
        health = HealthRoutes(self._lifecycle)
        scope = RequestScope(self._inflight, settings.tenant_header, clock)
        self._front = Front(settings, health, self._inflight, scope, revision)
        self._http = build_http_server(settings, self._front)
        self._serving = Serving(settings, self._lifecycle, self._phases, health, scope, clock)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; a second one cuts the drain short.

        Raises:
            UsageError: The arguments cannot be used.
            OperationError: The engine failed, or requests were cut at the end.
        """
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self._settings.max_asyncio_workers))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        listener = bind(self._settings)
        children = ForkHygiene()
        children.install(listener.getsockname()[1])
        http = asyncio.create_task(self._http.serve(sockets=[listener]))
        starting = asyncio.create_task(self._start(children))
        try:
            await self._live(starting, http)
        except PilotlightError as error:
            self._inflight.close(str(error))
            self._lifecycle.move_if_possible(State.FAILED, str(error))
            raise
        finally:
            self._http.should_exit = self._http.force_exit = True
            await http

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._drain.hurry("a second signal came")
        self._stop.set()

    async def _start(self, children: ForkHygiene) -> None:
        limit_s = self._settings.start_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                await self._serving.start(self._vllm_argv, children, self._front, self._http)
        except TimeoutError:
            raise EngineError(
                f"the start took over {limit_s:g} s: raise --start-timeout-s if the model needs it"
            ) from None
        gc.enable()
        self._phases.complete()
        show_phases(self._phases)
        self._inflight.open()
        self._lifecycle.move(State.READY, "serving")
        logger.info("ready: %s", self._phases.line())

    async def _live(self, starting: asyncio.Task[None], http: asyncio.Task[None]) -> None:
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({stopping, starting, http}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            self._lifecycle.move(State.DRAINING, "stopped before it was ready")
            self._lifecycle.move(State.STOPPED, "stopped before it was ready")
            return
        starting.result()
        watching = asyncio.create_task(self._serving.watch())
        try:
            await asyncio.wait({stopping, watching, http}, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                raise EngineError("the engine's process died: its log lines above say why")
            await self._end(watching)
        finally:
            watching.cancel()
            await self._serving.close()

    async def _end(self, watching: asyncio.Task[None]) -> None:
        self._lifecycle.move(State.DRAINING, "asked to stop")
        watching.add_done_callback(lambda _: self._drain.hurry("the engine died"))
        if self._serving.useless:
            self._drain.hurry(self._serving.useless)
        result = await self._drain.run(
            DrainPlan(self._settings.drain_delay_s, self._settings.grace_period_s)
        )
        self._lifecycle.move(State.STOPPED, "all requests have ended")
        if result.cut:
            raise OperationError(f"{result.cut} requests were cut: {result.reason}")
        logger.info("stopped: no request was cut")


def process_started_s() -> float:
    """When this process was started (proc(5) field 22), in seconds of the monotonic clock."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
    return time.monotonic() - age_s
