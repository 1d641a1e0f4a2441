"""A running program: its own process group, its output in a file, and no life after ours."""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import ProcessError
from pilotlight.local.leash import leashed
from pilotlight.local.program import Program

TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Process:
    """A program that was started. Its process id is its group's id too."""

    program: Program
    log: Path
    child: asyncio.subprocess.Process

    @classmethod
    async def start(cls, program: Program, log: Path) -> "Process":
        """Start a program with both of its outputs in a new file.

        Raises:
            ProcessError: It cannot be started.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("wb") as output:
                child = await asyncio.create_subprocess_exec(
                    *leashed(*program.argv),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    env=dict(program.env),
                    cwd=program.directory,
                    start_new_session=True,
                )
        except OSError as error:
            raise ProcessError(f"the {program.role} cannot be started: {error}") from error
        return cls(program, log, child)

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def running(self) -> bool:
        return self.child.returncode is None

    async def ended(self) -> ProcessError:
        """Wait until it ends by itself; the error says how, with the last lines of its log."""
        code = await self.child.wait()
        how = (
            f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        )
        return ProcessError(f"the {self.program.role} {how}; its last lines:\n{self.tail(20)}")

    def tail(self, count: int) -> str:
        """The last lines of its log, indented, and where the rest is."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([*(f"  {line}" for line in lines[-count:]), f"log: {self.log}"])

    def terminate(self) -> None:
        """Ask it to stop; a second time cuts its draining short."""
        # Not send_signal: that polls, and may reap the child before asyncio's watcher does.
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
