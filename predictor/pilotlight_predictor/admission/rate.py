"""How fast the engine serves, and how fast work arrives. Amounts in weighted tokens."""

import math
from enum import Enum

WINDOW_S = 1.0
MEMORY_S = 10.0
SEED_WORTH_S = 2.0


class Load(Enum):
    """How much the engine has to do."""

    IDLE = "idle"
    BUSY = "busy"
    SATURATED = "saturated"


class ServiceRate:
    """Weighted tokens per second that the engine serves when it has enough to do.

    An exponentially weighted mean of windows of ``WINDOW_S`` busy seconds. Idle time does not
    count. A window in which nothing waited shows less than the engine can do, so that it may
    only raise the mean. Early windows count by their part of the time seen so far, a seed as
    ``SEED_WORTH_S`` seconds.
    """

    def __init__(self) -> None:
        self.value: float | None = None
        self._evidence_s = 0.0
        self._load = Load.IDLE
        self._since_s = 0.0
        self._busy_s = 0.0
        self._saturated_s = 0.0
        self._served = 0.0

    def seed(self, tokens_per_s: float) -> None:
        """Start from a rate known beforehand.

        Raises:
            ValueError: The rate is not above 0.
        """
        if tokens_per_s <= 0:
            raise ValueError(f"a service rate must be above 0, not {tokens_per_s}")
        self.value = tokens_per_s
        self._evidence_s = SEED_WORTH_S

    def advance(self, now: float, load: Load) -> None:
        """The time until ``now`` has passed under the load given before; now ``load`` holds."""
        elapsed = max(0.0, now - self._since_s)
        self._since_s = now
        if self._load is not Load.IDLE:
            self._busy_s += elapsed
        if self._load is Load.SATURATED:
            self._saturated_s += elapsed
        self._load = load
        if self._busy_s >= WINDOW_S:
            self._close_window()

    def serve(self, amount: float) -> None:
        """The engine processed ``amount`` weighted tokens."""
        self._served += amount

    def _close_window(self) -> None:
        sample = self._served / self._busy_s
        saturated = 2 * self._saturated_s >= self._busy_s
        if saturated or (sample > self.value if self.value is not None else False):
            self._learn(sample, self._busy_s)
        self._busy_s = self._saturated_s = self._served = 0.0

    def _learn(self, sample: float, seconds: float) -> None:
        self._evidence_s += seconds
        gain = max(1 - math.exp(-seconds / MEMORY_S), seconds / self._evidence_s)
        before = self.value if self.value is not None else sample
        self.value = before + gain * (sample - before)


class ArrivalRate:
    """Weighted tokens per second that arrived lately: a sum that decays over ``MEMORY_S``."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._at_s = 0.0

    def arrive(self, amount: float, now: float) -> None:
        """Work of ``amount`` weighted tokens arrived."""
        self._sum = self._decayed(now) + amount
        self._at_s = now

    def value(self, now: float) -> float:
        """Weighted tokens per second."""
        return self._decayed(now) / MEMORY_S

    def _decayed(self, now: float) -> float:
        return self._sum * math.exp(-max(0.0, now - self._at_s) / MEMORY_S)
