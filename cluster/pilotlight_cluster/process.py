"""Processes that outlive the command that started them.

Each is known by its pid together with its start time, so that a process which got a used pid
again is never taken for ours.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import ProcessError
from pilotlight_cluster.command_line import DIRECT
from pilotlight_cluster.file import write

POLL_S = 0.1
LOG_TAIL_LINES = 12
LINE_BYTES = 8 * 1024
# Pids and ticks begin anew with every boot.
BOOT = Path("/proc/sys/kernel/random/boot_id")
# Becomes the program when it is told that the record of it is written; ends if nobody is left to
# tell it.
GATE = ("sh", "-c", 'read -r go && exec "$@" </dev/null', "gate")


@dataclass(frozen=True)
class Program:
    """A program to be kept running.

    Attributes:
        name: Names its log and its pid file.
        healthy: Whether it does its work; asked until it says yes.
        inputs: Files whose contents it reads at its start; a change means a restart.
        start_timeout_s: Seconds that it may take until it is healthy.
        stop_timeout_s: Seconds between SIGTERM and SIGKILL.
    """

    name: str
    argv: tuple[str, ...]
    healthy: Callable[[], bool]
    inputs: tuple[Path, ...] = ()
    start_timeout_s: float = 60
    stop_timeout_s: float = 10

    @property
    def fingerprint(self) -> str:
        """Changes with everything that only a restart makes effective."""
        digest = hashlib.sha256()
        digest.update(json.dumps(self.argv).encode())
        for file in self.inputs:
            digest.update(file.read_bytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Identity:
    """One process of the kernel's: a pid alone would be used again."""

    pid: int
    start_ticks: int

    @property
    def alive(self) -> bool:
        return start_ticks(self.pid) == self.start_ticks


class Supervisor:
    """Starts, finds and stops processes by their records in a folder.

    Args:
        records: One JSON file per process.
        logs: One log per process, appended to.
    """

    def __init__(self, records: Path, logs: Path) -> None:
        self.records = records
        self.logs = logs

    def ensure(self, program: Program) -> bool:
        """Have a program running and healthy.

        Returns:
            Whether it had to be started.

        Raises:
            ProcessError: It ended, or did not get healthy in time; with its last log lines. Or
                something that was not started from here is in its place.
        """
        found = self.find(program.name)
        if found is not None:
            if self._record(program.name)["fingerprint"] == program.fingerprint:
                self._await_health(program, found)
                return False
            self.stop(program.name, program.stop_timeout_s)
        if program.healthy():
            raise ProcessError(
                f"{program.name} cannot be started: something that is not of this cluster answers "
                "at its address already; `ss -ltnp` names it"
            )
        self._await_health(program, self._start(program))
        return True

    def find(self, name: str) -> Identity | None:
        """The process of that name, if it was started from here and still runs."""
        record = self._record(name)
        boot = _boot()
        if not record or record.get("boot", boot) != boot:
            return None
        identity = Identity(int(record["pid"]), int(record["start_ticks"]))
        return identity if identity.alive else None

    def names(self) -> list[str]:
        """Every process on record, running or not."""
        return sorted(file.stem for file in self.records.glob("*.json"))

    def stop(self, name: str, timeout_s: float = 10) -> None:
        """End a process: SIGTERM, and SIGKILL after ``timeout_s``; forget it."""
        identity = self.find(name)
        if identity is not None:
            end(identity, timeout_s)
        (self.records / f"{name}.json").unlink(missing_ok=True)

    def tail(self, name: str, lines: int = LOG_TAIL_LINES) -> list[str]:
        """The last lines of a process's log."""
        try:
            with (self.logs / f"{name}.log").open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, size - lines * LINE_BYTES))
                return log.read().decode(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []

    def _record(self, name: str) -> dict[str, str]:
        try:
            record: dict[str, str] = json.loads((self.records / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return record

    def _start(self, program: Program) -> Identity:
        if shutil.which(program.argv[0]) is None:
            raise ProcessError(f"{program.name} cannot be started: there is no {program.argv[0]}")
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{program.name}.log").open("ab") as log:
            child = subprocess.Popen(
                [*GATE, *program.argv],
                env={**os.environ, **DIRECT},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        identity = Identity(child.pid, start_ticks(child.pid) or 0)
        record = {
            "pid": str(identity.pid),
            "start_ticks": str(identity.start_ticks),
            "boot": _boot(),
            "fingerprint": program.fingerprint,
        }
        assert child.stdin is not None  # noqa: S101  (it is a pipe)
        with child.stdin as gate:
            write(self.records / f"{program.name}.json", json.dumps(record))
            gate.write(b"go\n")
        return identity

    def _await_health(self, program: Program, identity: Identity) -> None:
        deadline = time.monotonic() + program.start_timeout_s
        while not program.healthy():
            if not identity.alive:
                raise ProcessError(self._failure(program.name, "ended while it started"))
            if time.monotonic() > deadline:
                reason = f"is not healthy after {program.start_timeout_s:.0f} s"
                raise ProcessError(self._failure(program.name, reason))
            time.sleep(POLL_S)
        if not identity.alive:
            reason = "ended, and something else answers in its place"
            raise ProcessError(self._failure(program.name, reason))

    def _failure(self, name: str, reason: str) -> str:
        lines = "\n  ".join(self.tail(name)) or "(its log is empty)"
        return f"{name} {reason}; the end of {self.logs / name}.log:\n  {lines}"


def _boot() -> str:
    return BOOT.read_text().strip()


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5), field 22 of stat).

    ``None`` when there is none, or only a zombie.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def end(identity: Identity, timeout_s: float) -> None:
    """SIGTERM, then SIGKILL; returns when the process is gone.

    Raises:
        ProcessError: Even SIGKILL did not end it.
    """
    for number, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, 10.0)):
        if not identity.alive:
            return
        try:
            os.kill(identity.pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_s
        while identity.alive and time.monotonic() < deadline:
            _reap(identity.pid)
            time.sleep(POLL_S / 2)
    if identity.alive:
        raise ProcessError(f"process {identity.pid} does not end, even by SIGKILL")


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
