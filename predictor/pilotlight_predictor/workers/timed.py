"""A mix-in that notes how long a worker's start took."""

import time
from typing import Any

from pilotlight_predictor.phases import Phase

PHASES_METHOD = "pilotlight_start_phases"
"""Name of the method for vLLM's ``collective_rpc``."""


class TimedStart:
    """Times the steps that vLLM calls on every worker, in this order."""

    def _timed(self, phase: Phase, step: str, *args: Any, **kwargs: Any) -> Any:
        begin = time.monotonic()
        result = getattr(super(), step)(*args, **kwargs)
        seconds = self.__dict__.setdefault("_phase_seconds", {})
        seconds[phase.value] = seconds.get(phase.value, 0.0) + time.monotonic() - begin
        return result

    def load_model(self, *args: Any, **kwargs: Any) -> Any:
        return self._timed(Phase.WEIGHTS, "load_model", *args, **kwargs)

    def determine_available_memory(self, *args: Any, **kwargs: Any) -> Any:
        return self._timed(Phase.COMPILE, "determine_available_memory", *args, **kwargs)

    def initialize_from_config(self, *args: Any, **kwargs: Any) -> Any:
        return self._timed(Phase.KV_CACHE, "initialize_from_config", *args, **kwargs)

    def compile_or_warm_up_model(self, *args: Any, **kwargs: Any) -> Any:
        return self._timed(Phase.COMPILE, "compile_or_warm_up_model", *args, **kwargs)

    def pilotlight_start_phases(self) -> dict[str, float]:
        """Seconds per phase: weights, KV cache, compile (profiling run and graphs included)."""
        return dict(self.__dict__.get("_phase_seconds", {}))
