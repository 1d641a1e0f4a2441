"""Loads to simulate, as files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_S = 86400.0
MILLION = 1_000_000
MEAN_S = 5.0
"""Of a request."""


@dataclass(frozen=True)
class Scenario:
    """One load and the service it comes to.

    Args:
        name: In the tables.
        days: How long a million requests last; fewer last for less.
        busy: Share of the time with traffic; the rest are gaps of 20 minutes at least.
        arguments: Of ``pilotlight warmpool simulate``.
    """

    name: str
    days: float
    busy: float
    arguments: tuple[str, ...]

    def write(self, file: Path, requests: int, seed: int) -> None:
        """As CSV, a line for each request."""
        rng = np.random.default_rng(seed)
        times = self._times(rng, requests)
        lasts = rng.exponential(MEAN_S, requests) + 0.1
        lines = (f"{time:.6f},{last:.4f}" for time, last in zip(times, lasts, strict=True))
        file.write_text("time,duration\n" + "\n".join(lines) + "\n", encoding="utf-8")

    def _times(self, rng: np.random.Generator, requests: int) -> Floats:
        """Even, or in stretches of random length with gaps between them."""
        span_s = self.days * DAY_S * requests / MILLION
        worked = np.sort(rng.uniform(0.0, span_s * self.busy, requests))
        if self.busy >= 1:
            return worked
        stretches = int(span_s * (1 - self.busy) / 2400.0)
        turns = np.sort(rng.uniform(0.0, worked[-1], stretches))
        gaps = np.concatenate([[0.0], np.cumsum(1200.0 + rng.exponential(1200.0, stretches))])
        times: Floats = worked + gaps[np.searchsorted(turns, worked)]
        return times


TARGET = ("--target", "20")
SCENARIOS = (
    Scenario("a busy day", 1.0, 1.0, TARGET),
    Scenario("a fortnight", 14.0, 1.0, TARGET),
    Scenario("a fortnight with gaps", 14.0, 0.3, TARGET),
    Scenario("a limit of 20, and a queue", 1.0, 1.0, ("--container-concurrency", "20")),
)
