"""Programs that belong together: one that dies takes the others along, and all stop in order."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pilotlight.errors import ProcessError
from pilotlight.local.display import Step
from pilotlight.local.interruption import Interruptions
from pilotlight.local.process import Process
from pilotlight.local.program import Program

POLL_S = 0.2


class Fleet:
    """The programs that were started, in that order.

    Args:
        logs: The directory of their logs.
        show: Takes their log lines, as they are written.
    """

    def __init__(self, name: str, logs: Path, show: Callable[[str], None] | None = None) -> None:
        self.name = name
        self.logs = logs
        self._show = show
        self.processes: list[Process] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._death: asyncio.Future[ProcessError] = asyncio.get_running_loop().create_future()

    async def start(self, program: Program) -> Process:
        """Start one more."""
        log = self.logs / f"{self.name}-{program.role}-{program.port}.log"
        process = await Process.start(program, log)
        self.processes.append(process)
        self._watchers.append(asyncio.create_task(self._watch(process)))
        if self._show is not None:
            self._watchers.append(asyncio.create_task(_follow(process, self._show)))
        return process

    async def _watch(self, process: Process) -> None:
        error = await process.ended()
        if not self._death.done():
            self._death.set_result(error)

    async def death(self) -> ProcessError:
        """Wait for the first that ends by itself."""
        return await asyncio.shield(self._death)

    async def stop(self, step: Step, asked: Interruptions) -> dict[str, int]:
        """Stop all, the entrance first, so that nobody is sent to a program that is gone.

        Returns:
            Exit codes by role.
        """
        for watcher in self._watchers:
            watcher.cancel()
        # Whatever made us stop counts as the first request: the next one hurries.
        asked.first.set()
        return {p.program.role: await _stop(p, step, asked) for p in reversed(self.processes)}


async def _follow(process: Process, show: Callable[[str], None]) -> None:
    with process.log.open(errors="replace") as log:
        while True:
            while line := log.readline():
                show(f"{process.program.role} | {line.rstrip()}")
            await asyncio.sleep(POLL_S)


async def _stop(process: Process, step: Step, asked: Interruptions) -> int:
    """Let one program drain: hurried when asked again, ended when asked thrice or out of time."""
    escalation = asyncio.create_task(_escalate(process, asked))
    started = step.elapsed_s
    try:
        process.terminate()
        while process.running:
            step.show(f"{process.program.role} drains; Ctrl-C again hurries it")
            with suppress(TimeoutError):
                await asyncio.wait_for(process.child.wait(), POLL_S)
            if step.elapsed_s - started > process.program.grace_s:
                process.kill()
    finally:
        escalation.cancel()
        process.kill()
    return await process.child.wait()


async def _escalate(process: Process, asked: Interruptions) -> None:
    await asked.second.wait()
    process.terminate()
    await asked.third.wait()
    process.kill()
