"""``pilotlight warmpool study``, in processes of its own, and what it says."""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotlight.errors import ProcessError, UsageError

Floats = NDArray[np.float64]

# Where this interpreter's own commands are.
PROGRAM = (str(Path(sys.executable).parent / "pilotlight"), "warmpool", "study")
STUDY_S = 3600.0
_USAGE = 2


@dataclass(frozen=True)
class Order:
    """What to study.

    Args:
        trace: The file.
        seeds: Draws of every service.
        cold_start_s: How long a start takes.
        edges: Of activity in its windows: ``uniform`` or ``fitted``.
        clock: Whether windows lie on tens of minutes: ``trace`` or ``shifted``.
    """

    trace: Path
    seeds: int
    cold_start_s: float
    edges: str = "uniform"
    clock: str = "trace"

    def arguments(self) -> tuple[str, ...]:
        """Of the command."""
        return (
            str(self.trace), "--seeds", str(self.seeds), "--cold-start", f"{self.cold_start_s:g}",
            "--edges", self.edges, "--clock", self.clock, "--json",
        )  # fmt: skip


@dataclass(frozen=True)
class Week:
    """Figures of one week; all arrays have the shape (settings, services)."""

    idle_s: Floats
    wakes: Floats
    affected: Floats


@dataclass(frozen=True)
class Family:
    """One kind of policy: which rows of the weeks are its settings."""

    name: str
    ours: bool
    rows: slice
    settings: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Study:
    """What all policies came to on one trace.

    Args:
        trace: The file's name.
        services: Those compared on.
        others: Those that hardly sleep, with the long gaps of their learning week.
        hole_hours: Without a record.
        families: The policies.
        learning: The learning week.
        scoring: What came after it.
        clairvoyant_s: The cost after it to one who knew the future.
    """

    trace: str
    services: tuple[str, ...]
    others: dict[str, float]
    hole_hours: float
    families: tuple[Family, ...]
    learning: Week
    scoring: Week
    clairvoyant_s: float


def run(orders: Sequence[Order], processes: int) -> list[Study]:
    """Carry studies out, so many at a time; in the order of ``orders``.

    Raises:
        UsageError: A file cannot be used.
        ProcessError: A study failed.
    """
    running: set[subprocess.Popen[str]] = set()
    pool = ThreadPoolExecutor(processes)
    try:
        return list(pool.map(lambda order: parse(_said(order, running)), orders))
    finally:
        # One that fails, or a signal, ends the others.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in tuple(running):
            process.kill()


def parse(said: str) -> Study:
    """A study from the JSON that the command prints."""
    document: dict[str, Any] = json.loads(said)
    families, first = [], 0
    for family in document["families"]:
        settings = tuple(family["settings"])
        rows = slice(first, first + len(settings))
        families.append(Family(family["name"], family["ours"], rows, settings))
        first = rows.stop
    learning, scoring = (
        Week(**{name: np.array(rows, dtype=np.float64) for name, rows in week.items()})
        for week in document["weeks"]
    )
    return Study(
        document["trace"],
        tuple(document["services"]),
        document["others"],
        document["hole_hours"],
        tuple(families),
        learning,
        scoring,
        document["clairvoyant_s"][1],
    )


def _said(order: Order, running: set[subprocess.Popen[str]]) -> str:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*PROGRAM, *order.arguments()], stdout=pipe, stderr=pipe, text=True
    ) as process:
        running.add(process)
        try:
            said, complaint = process.communicate(timeout=STUDY_S)
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"{order.trace.name}: not studied in {STUDY_S:g} s") from error
        finally:
            process.kill()
            running.discard(process)
    if process.returncode == _USAGE:
        raise UsageError(complaint.strip().removeprefix("pilotlight: "))
    if process.returncode:
        raise ProcessError(f"the study of {order.trace.name} failed:\n{complaint[-2000:]}")
    return said
