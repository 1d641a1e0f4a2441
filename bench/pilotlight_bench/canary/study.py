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
STUDY_S = 7200.0
# By far the longest: it begins first, so that no core waits for it at the end.
_FIRST = "null-requests"


def names() -> list[str]:
    """The studies that there are, the longest first.

    Raises:
        ProcessError: The simulation does not start.
    """
    listed = [row["study"] for row in _run(["--study", "list"], set())]
    return sorted(listed, key=lambda name: name != _FIRST)


def run(studies: Sequence[str], runs: int, seed: int, processes: int) -> list[Row]:
    """Carry studies out, so many at a time; their rows in the order of ``studies``.

    Raises:
        ProcessError: One failed.
    """

    running: set[subprocess.Popen[str]] = set()

    def one(name: str) -> list[Row]:
        return _run(["--study", name, "--runs", str(runs), "--seed", str(seed)], running)

    pool = ThreadPoolExecutor(processes)
    try:
        return [row for rows in pool.map(one, studies) for row in rows]
    finally:
        # One that fails, or a signal, ends the others.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in tuple(running):
            process.kill()


def _run(arguments: list[str], running: set[subprocess.Popen[str]]) -> list[Row]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*PROGRAM, *arguments], stdout=pipe, stderr=pipe, text=True) as process:
        running.add(process)
        try:
            said, complaint = process.communicate(timeout=STUDY_S)
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"{' '.join(arguments)}: not done in {STUDY_S:g} s") from error
        finally:
            process.kill()
            running.discard(process)
    if process.returncode:
        raise ProcessError(f"{' '.join(arguments)} failed:\n{complaint[-2000:]}")
    rows: list[Row] = json.loads(said)
    return rows
