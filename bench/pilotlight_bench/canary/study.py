"""The simulation of ``pilotlight rollout simulate``, in processes of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pilotlight.errors import ProcessError
from pilotlight_bench.result import Row

# Where this interpreter's own commands are.
PROGRAM = (str(Path(sys.executable).parent / "pilotlight"), "rollout", "simulate", "--json")
# By far the longest: it begins first, so that no core waits for it at the end.
_FIRST = "null-requests"


def names() -> list[str]:
    """The studies that there are, the longest first.

    Raises:
        ProcessError: The simulation does not start.
    """
    listed = [row["study"] for row in _run(["--study", "list"])]
    return sorted(listed, key=lambda name: name != _FIRST)


def run(studies: Sequence[str], runs: int, seed: int, processes: int) -> list[Row]:
    """Carry studies out, so many at a time; their rows in the order of ``studies``.

    Raises:
        ProcessError: One failed.
    """

    def one(name: str) -> list[Row]:
        return _run(["--study", name, "--runs", str(runs), "--seed", str(seed)])

    with ThreadPoolExecutor(processes) as pool:
        return [row for rows in pool.map(one, studies) for row in rows]


def _run(arguments: list[str]) -> list[Row]:
    command = [*PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessError(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    rows: list[Row] = json.loads(done.stdout)
    return rows
