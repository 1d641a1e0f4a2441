"""A predictor that has started: the engine, its admission, its protocols and its watchers."""

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pilotlight.clock import Clock
from pilotlight_predictor.auth import ApiKeys
from pilotlight_predictor.children import ForkHygiene
from pilotlight_predictor.front import Front
from pilotlight_predictor.health.liveness import StuckDetector
from pilotlight_predictor.health.routes import HealthRoutes, Verdict
from pilotlight_predictor.http_server import HttpServer
from pilotlight_predictor.metrics import KV_TOKENS
from pilotlight_predictor.phases import Phase, StartPhases
from pilotlight_predictor.scope import RequestScope
from pilotlight_predictor.settings import PredictorSettings
from pilotlight_predictor.start import EngineStarter, StartedEngine
from pilotlight_predictor.state import Lifecycle, State
from pilotlight_predictor.tracing import NoTracing, Tracing, exporter_from_environment, open_tracing
from pilotlight_predictor.watch import EngineWatch, GpuWatch

if TYPE_CHECKING:
    from pilotlight_predictor.admission.gate import AdmissionGate
    from pilotlight_predictor.server import PredictorServer

logger = logging.getLogger(__name__)

QUEUE_TOKENS_PER_KV_TOKEN = 4
PREFILL_STEPS = 2
"""One step's prompts are processed, the next step's are at hand."""
ENGINE_STOP_S = 10.0


class Serving:
    """Starts in :meth:`start`; then :meth:`watch` and, at the end, :meth:`close`."""

    def __init__(
        self,
        settings: PredictorSettings,
        lifecycle: Lifecycle,
        phases: StartPhases,
        health: HealthRoutes,
        request_scope: RequestScope,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._lifecycle = lifecycle
        self._phases = phases
        self._health = health
        self._request_scope = request_scope
        self._clock = clock
        self._starter: EngineStarter | None = None
        self._started: StartedEngine | None = None
        self._gate: AdmissionGate | None = None
        self._server: PredictorServer | None = None
        self._watch: EngineWatch | None = None
        self._gpus = GpuWatch(settings)
        self._tracing: Tracing = NoTracing()

    async def start(
        self,
        vllm_argv: Sequence[str],
        children: ForkHygiene,
        front: Front,
        http_server: HttpServer,
    ) -> None:
        """Load the model, open the protocols, warm up.

        Raises:
            UsageError: The arguments cannot be used.
            EngineError: The engine did not start.
        """
        exporter = exporter_from_environment(os.environ)
        self._starter = EngineStarter(vllm_argv, self._phases, children, exporter, self._clock)
        started = self._started = await self._starter.start()
        self._tracing = open_tracing(exporter)
        with self._phases.measure(Phase.API):
            await self._open_protocols(started, front, http_server)
        self._lifecycle.move(State.WARMING, "the model is loaded, a first generation runs")
        with self._phases.measure(Phase.WARMUP):
            rate = await self._warm_up(started)
        self._admit(started, rate)

    async def _open_protocols(
        self, started: StartedEngine, front: Front, http_server: HttpServer
    ) -> None:
        from pilotlight_predictor.protocols import open_protocols

        keys = [*(started.arguments.api_key or []), os.environ.get("VLLM_API_KEY", "")]
        self._request_scope.keys = ApiKeys(keys)
        router, self._server = await open_protocols(
            self._settings,
            started.engine,
            started.arguments,
            http_server,
            self._health,
            self._request_scope,
        )
        front.mount(router, self._tracing)

    async def _warm_up(self, started: StartedEngine) -> float | None:
        from pilotlight_predictor.warmup import warm_up

        if not self._settings.warmup:
            return None
        return await warm_up(started.engine, await started.engine.get_supported_tasks())

    def _admit(self, started: StartedEngine, rate: float | None) -> None:
        from pilotlight_predictor.admission.capacity import Limits
        from pilotlight_predictor.admission.gate import AdmissionGate
        from pilotlight_predictor.admission.queue import AdmissionQueue
        from pilotlight_predictor.engine import kv_cache_tokens

        config = started.engine.vllm_config
        tokens = kv_cache_tokens(config)
        KV_TOKENS.set(tokens)
        limits = Limits(
            kv_tokens=tokens,
            max_running=config.scheduler_config.max_num_seqs,
            max_queue_tokens=self._settings.max_queue_tokens or QUEUE_TOKENS_PER_KV_TOKEN * tokens,
            max_queue_wait_s=self._settings.max_queue_wait_s,
            batch_share=self._settings.batch_share,
            max_prefill_tokens=PREFILL_STEPS * config.scheduler_config.max_num_batched_tokens,
        )
        queue = AdmissionQueue(limits)
        if rate is not None:
            queue.seed_rate(rate)
        self._gate = AdmissionGate(queue, started.probe, self._clock)
        started.engine.gate = self._gate
        detector = StuckDetector(self._settings.stuck_after_s)
        self._watch = EngineWatch(detector, started.engine, started.probe, self._clock)
        self._health.liveness = lambda: self._watch.verdict if self._watch else Verdict(True)
        self._health.gpu = lambda: self._gpus.verdict

    @property
    def useless(self) -> str:
        """Why nothing more can come from the engine; empty while something can."""
        if self._watch is None or self._watch.verdict.ok:
            return ""
        return self._watch.verdict.reason

    async def watch(self) -> None:
        """Run admission and the watchers; returns when the engine is dead."""
        if self._gate is None or self._watch is None:
            raise RuntimeError("nothing to watch: start the engine first")
        others = [asyncio.create_task(run) for run in (self._gate.run(), self._gpus.run())]
        try:
            await self._watch.run()
        finally:
            for task in others:
                task.cancel()

    async def close(self) -> None:
        """End gRPC and the engine's processes."""
        if self._server is not None:
            await self._server.close(0)
        if self._started is not None:
            engine = self._started.engine
            await asyncio.to_thread(engine.shutdown, timeout=ENGINE_STOP_S)
        await asyncio.to_thread(self._tracing.close)
