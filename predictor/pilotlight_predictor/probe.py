"""What the engine tells of itself at each step, through vLLM's stat-logger extension point."""

from collections.abc import Callable
from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase

from pilotlight.clock import Clock
from pilotlight_predictor.metrics import CACHED_TOKENS, KV_USAGE, OUTPUT_TOKENS, PROMPT_TOKENS


class EngineProbe:
    """The last step's time and load; read by admission and by liveness."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.last_step_s = clock.monotonic()
        self.kv_usage = 0.0
        self.on_prefill: Callable[[int], None] | None = None

    def stat_logger(self, vllm_config: Any, engine_index: int = 0) -> "ProbeLogger":
        """A stat-logger factory for vLLM."""
        return ProbeLogger(self, vllm_config, engine_index)

    def step(self, scheduler: Any, iteration: Any) -> None:
        """Take in one engine step (vLLM ``SchedulerStats``, ``IterationStats``)."""
        self.last_step_s = self._clock.monotonic()
        if scheduler is not None:
            self.kv_usage = scheduler.kv_cache_usage
            KV_USAGE.set(self.kv_usage)
        if iteration is not None:
            OUTPUT_TOKENS.inc(iteration.num_generation_tokens)
            prompt = iteration.prompt_token_stats
            PROMPT_TOKENS.inc(prompt.total)
            CACHED_TOKENS.inc(prompt.cached_tokens)
            if prompt.total and self.on_prefill is not None:
                self.on_prefill(prompt.total)


class ProbeLogger(StatLoggerBase):  # type: ignore[misc]
    """Hands each step to the probe."""

    def __init__(self, probe: EngineProbe, vllm_config: Any, engine_index: int) -> None:
        self._probe = probe

    def record(
        self,
        scheduler_stats: Any,
        iteration_stats: Any,
        mm_cache_stats: Any = None,
        engine_idx: int = 0,
    ) -> None:
        self._probe.step(scheduler_stats, iteration_stats)

    def log_engine_initialized(self) -> None:
        """Nothing to say: the start phases say it."""
