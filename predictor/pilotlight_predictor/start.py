"""From nothing to a warm engine behind its protocols, phase by phase."""

import asyncio
import importlib
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pilotlight.clock import Clock
from pilotlight_predictor.children import ForkHygiene
from pilotlight_predictor.phases import Phase, StartPhases
from pilotlight_predictor.plugin import SERVER_PID_VARIABLE
from pilotlight_predictor.tracing import Exporter

if TYPE_CHECKING:
    from pilotlight_predictor.engine import AdmittedEngine
    from pilotlight_predictor.probe import EngineProbe

logger = logging.getLogger(__name__)

ENGINE_MODULE = "pilotlight_predictor.engine"
PROTOCOL_MODULES = ("pilotlight_predictor.server", "pilotlight_predictor.protocols")
_RPC_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class StartedEngine:
    """An engine that has its model, and what it was started with."""

    engine: "AdmittedEngine"
    probe: "EngineProbe"
    arguments: Namespace


class EngineStarter:
    """Imports, configures and forks the engine on one thread that lives as long as the server.

    The thread must not end before the server: the kernel kills the engine with the thread
    that forked it (see :mod:`pilotlight_predictor.children`).
    """

    def __init__(
        self,
        argv: Sequence[str],
        phases: StartPhases,
        children: ForkHygiene,
        exporter: Exporter | None,
        clock: Clock,
    ) -> None:
        self._argv = argv
        self._phases = phases
        self._children = children
        self._exporter = exporter
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")

    async def start(self) -> StartedEngine:
        """Start the engine; import the protocols while it loads.

        Raises:
            UsageError: vLLM's arguments are wrong.
            EngineError: The engine did not start.
        """
        loop = asyncio.get_running_loop()
        imports = asyncio.create_task(asyncio.to_thread(self._import_protocols))
        try:
            started = await loop.run_in_executor(self._thread, self._start)
        finally:
            self._children.forked.set()  # an engine that was spawned, or never came, forks nothing
        await imports
        await self._ask_workers(started.engine)
        return started

    def _start(self) -> StartedEngine:
        os.environ[SERVER_PID_VARIABLE] = str(os.getpid())
        os.environ.setdefault("VLLM_CONFIGURE_LOGGING", "0")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        if self._exporter is not None:
            self._exporter.export(os.environ)
        with self._phases.measure(Phase.IMPORT):
            module = importlib.import_module(ENGINE_MODULE)
        arguments = module.parse_engine_arguments(self._argv)
        with self._phases.measure(Phase.CONFIG):
            config = module.build_config(arguments, self._exporter)
        probe = module.EngineProbe(self._clock)
        with self._phases.measure(Phase.ENGINE):
            engine = module.start_engine(config, arguments, probe)
        return StartedEngine(engine, probe, arguments)

    def _import_protocols(self) -> None:
        self._children.forked.wait()
        if ENGINE_MODULE not in sys.modules:
            return
        begin_argv, sys.argv = sys.argv, sys.argv[:1]  # KServe parses sys.argv when imported
        try:
            with self._phases.measure(Phase.API):
                for name in PROTOCOL_MODULES:
                    importlib.import_module(name)
        finally:
            sys.argv = begin_argv

    async def _ask_workers(self, engine: "AdmittedEngine") -> None:
        """Take the workers' own timings; workers of a class of the user's have none."""
        from pilotlight_predictor.workers.timed import PHASES_METHOD

        try:
            answers = await engine.collective_rpc(PHASES_METHOD, timeout=_RPC_TIMEOUT_S)
        except Exception:
            logger.info("the workers do not tell how long their start took", exc_info=True)
            return
        for name in {name for answer in answers for name in answer}:
            self._phases.record(Phase(name), max(answer.get(name, 0.0) for answer in answers))
