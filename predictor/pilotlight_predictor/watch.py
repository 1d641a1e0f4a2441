"""Looking after a running engine: dead, stuck, or on a sick GPU."""

import asyncio
from typing import Any

from pilotlight.clock import Clock
from pilotlight_predictor.health.gpu import GpuHealth, GpuLimits, GpuReading, decide
from pilotlight_predictor.health.liveness import Liveness, StuckDetector
from pilotlight_predictor.health.nvml import find_gpus
from pilotlight_predictor.health.routes import Verdict
from pilotlight_predictor.metrics import (
    ENGINE_STALL,
    GPU_ECC,
    GPU_FREE,
    GPU_TEMPERATURE,
    GPU_UTILISATION,
)
from pilotlight_predictor.settings import PredictorSettings

ENGINE_POLL_S = 1.0


class EngineWatch:
    """Judges the engine once a second."""

    def __init__(self, detector: StuckDetector, engine: Any, probe: Any, clock: Clock) -> None:
        self._detector = detector
        self._engine = engine
        self._probe = probe
        self._clock = clock
        self._last = Liveness(True)

    @property
    def verdict(self) -> Verdict:
        """The last judgement."""
        return Verdict(self._last.alive, self._last.reason)

    @property
    def dead(self) -> bool:
        """Whether the engine's process has ended."""
        return bool(self._engine.errored)

    async def run(self) -> None:
        """Watch until the engine is dead."""
        while not self.dead:
            self._observe()
            await asyncio.sleep(ENGINE_POLL_S)
        self._observe()

    def _observe(self) -> None:
        running = self._engine.get_num_unfinished_requests()
        now = self._clock.monotonic()
        self._last = self._detector.observe(running, self._probe.last_step_s, self.dead, now)
        ENGINE_STALL.set(self._detector.stalled_s)


class GpuWatch:
    """Reads the GPUs every few seconds; without NVML it says so once and never fails."""

    def __init__(self, settings: PredictorSettings) -> None:
        self._limits = GpuLimits(
            too_hot_c=float(settings.gpu_max_temperature_c),
            cool_again_c=min(settings.gpu_max_temperature_c - 5.0, GpuLimits().cool_again_c),
            too_little_free_bytes=settings.gpu_min_free_bytes,
            enough_free_bytes=2 * settings.gpu_min_free_bytes,
        )
        self._poll_s = settings.gpu_poll_s
        self._health = GpuHealth()

    @property
    def verdict(self) -> Verdict:
        """The last judgement."""
        return Verdict(self._health.healthy, "; ".join(self._health.reasons))

    async def run(self) -> None:
        """Watch for ever."""
        reader = await asyncio.to_thread(find_gpus)
        while True:
            readings = await asyncio.to_thread(reader.read)
            if not readings:
                return
            self._health = decide(self._limits, readings, self._health)
            for reading in readings:
                _show(reading)
            await asyncio.sleep(self._poll_s)


def _show(reading: GpuReading) -> None:
    gpu = str(reading.index)
    for value, gauge in (
        (reading.temperature_c, GPU_TEMPERATURE),
        (reading.memory_free_bytes, GPU_FREE),
        (reading.utilisation, GPU_UTILISATION),
        (reading.uncorrectable_ecc_errors, GPU_ECC),
    ):
        if value is not None:
            gauge.labels(gpu).set(value)
