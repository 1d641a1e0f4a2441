"""How long each phase of the start took: the cold start as a figure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from pilotlight.clock import Clock


class Phase(StrEnum):
    """A part of the start. Phases may overlap: they need not add up to the total."""

    IMPORT = "import"
    CONFIG = "config"
    ENGINE = "engine"
    WEIGHTS = "weights"
    KV_CACHE = "kv_cache"
    COMPILE = "compile"
    API = "api"
    WARMUP = "warmup"
    TOTAL = "total"


class StartPhases:
    """Seconds spent in each phase, from the exec of the process to ready."""

    def __init__(self, clock: Clock, started_s: float) -> None:
        """Args:
        clock: Where the time comes from.
        started_s: Monotonic seconds at which the process was started.
        """
        self._clock = clock
        self._started_s = started_s
        self._seconds: dict[Phase, float] = {}

    @contextmanager
    def measure(self, phase: Phase) -> Iterator[None]:
        """Time the block as ``phase``."""
        begin = self._clock.monotonic()
        try:
            yield
        finally:
            self.record(phase, self._clock.monotonic() - begin)

    def record(self, phase: Phase, seconds: float) -> None:
        """Add ``seconds`` to ``phase``."""
        self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds

    def complete(self) -> None:
        """The predictor is ready: fix the total."""
        self._seconds[Phase.TOTAL] = self._clock.monotonic() - self._started_s

    @property
    def seconds(self) -> Mapping[Phase, float]:
        return dict(self._seconds)

    def line(self) -> str:
        """All phases on one line, for the log."""
        return " ".join(
            f"{phase}={self._seconds[phase]:.2f}s" for phase in Phase if phase in self._seconds
        )
