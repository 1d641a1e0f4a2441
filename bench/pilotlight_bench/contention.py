"""How much of the machine others took during a measurement."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import psutil

QUIET_CORES = 0.1
"""Above this, figures are worth little: threads of an engine wait for the slowest of them."""


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """A reading of the machine's processor time.

    Args:
        at_s: When, on the monotonic clock.
        busy_s: Time that all cores together were busy since boot.
        ours_s: How much of it the processes of the measurement took.
    """

    at_s: float
    busy_s: float
    ours_s: float

    @classmethod
    def now(cls, ours_s: float) -> Self:
        """A reading of this machine."""
        times = psutil.cpu_times()
        # iowait is idle time, and guest time is contained in user time.
        busy_s = times.user + times.nice + times.system + times.irq + times.softirq + times.steal
        return cls(time.monotonic(), busy_s, ours_s)


def warning(cores: Iterable[float]) -> str:
    """A line for readers if any measurement had company; empty if the machine was quiet.

    Args:
        cores: What others took during each measurement.
    """
    worst = max(cores, default=0.0)
    if worst <= QUIET_CORES:
        return ""
    return f"\nNOT A QUIET MACHINE: others took up to {worst:.2f} cores; run it again"


def other_cores(before: ProcessorTime, after: ProcessorTime) -> float:
    """Cores that others kept busy on average between two readings; at least 0."""
    busy_s = after.busy_s - before.busy_s - (after.ours_s - before.ours_s)
    return max(0.0, busy_s / (after.at_s - before.at_s))
