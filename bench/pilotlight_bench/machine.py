"""The machine that a figure was measured on."""

import os
import platform
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict


class Machine(BaseModel):
    """What a reader needs to judge a figure.

    Args:
        cpu: Model name.
        cores: That this process may use.
        memory_gib: Of the whole machine.
        kernel: Its release.
        load_average: Over the minute before the run: what else was running.
    """

    model_config = ConfigDict(frozen=True)

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    load_average: float


def describe_machine() -> Machine:
    """This machine, now."""
    return Machine(
        cpu=_cpu_model(Path("/proc/cpuinfo")),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        kernel=platform.release(),
        load_average=round(os.getloadavg()[0], 2),
    )


def _cpu_model(cpuinfo: Path) -> str:
    for line in cpuinfo.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return f"{value.strip()} ({platform.machine()})"
    return platform.machine()
