"""Running a plan: start its programs, wait until they are ready, serve, stop them all."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from pilotlight.errors import ProcessError, UsageError
from pilotlight.local import health
from pilotlight.local.display import Step
from pilotlight.local.fleet import POLL_S, Fleet
from pilotlight.local.interruption import Interruptions, interruptions
from pilotlight.local.plan import Plan
from pilotlight.local.process import Process
from pilotlight.local.program import Program

DEATH_S = 1.0
"""How long after work broke off the death of a program still explains it."""


@dataclass(frozen=True)
class Running:
    """A service whose programs are ready.

    Attributes:
        ready_s: Seconds from the first program's start until all were ready.
        has_key: The client asks with a key.
    """

    plan: Plan
    processes: tuple[Process, ...]
    client: httpx.AsyncClient
    ready_s: float
    has_key: bool = False

    @property
    def url(self) -> str:
        return str(self.client.base_url).rstrip("/")


Serve = Callable[[Running], Awaitable[None]]


@dataclass(frozen=True)
class Session:
    """How a plan is run.

    Args:
        logs: The directory of the programs' logs.
        follow: Show the programs' log lines too.
        deadline_s: Seconds that all programs together have to become ready.
        key: What the service is asked with, if it wants a key.
    """

    plan: Plan
    console: Console
    logs: Path
    follow: bool = False
    deadline_s: float = 600.0
    key: str | None = None

    async def run(self, serve: Serve) -> bool:
        """Start everything, call ``serve`` once all is ready, and stop everything after it.

        Returns:
            Whether all had become ready before someone asked to stop.

        Raises:
            UsageError: A port is taken.
            ProcessError: A program died, was not ready in time, or did not stop well.
        """
        for program in self.plan.programs:
            _check_port(program)
            for folder in program.folders:
                folder.make()
        fleet = Fleet(self.plan.service, self.logs, self._show if self.follow else None)
        was_ready = asyncio.Event()
        with interruptions() as asked:
            try:
                await _first_of(self._serve(fleet, serve, was_ready), fleet, asked)
            finally:
                with Step(self.console, f"stopping {self.plan.service}") as step:
                    codes = await fleet.stop(step, asked)
            failed = [role for role, code in codes.items() if code != 0]
            if failed and was_ready.is_set() and not asked.second.is_set():
                raise ProcessError(f"did not stop well: {', '.join(failed)}; logs: {self.logs}")
        return was_ready.is_set()

    async def _serve(self, fleet: Fleet, serve: Serve, was_ready: asyncio.Event) -> None:
        with Step(self.console, f"starting {self.plan.service}") as step:
            for program in self.plan.programs:
                await self._until_ready(await fleet.start(program), step)
        was_ready.set()
        async with _client(self.plan.entrance, self.key) as client:
            running = Running(
                self.plan, tuple(fleet.processes), client, step.elapsed_s, self.key is not None
            )
            await serve(running)

    async def _until_ready(self, process: Process, step: Step) -> None:
        role = process.program.role
        async with _client(process.program, self.key) as client:
            while not (answer := await health.ask(client)).ready:
                step.show(f"{role} {answer.state}")
                if step.elapsed_s > self.deadline_s:
                    raise ProcessError(
                        f"the {role} was not ready within {self.deadline_s:.0f} s (--timeout), "
                        f"its state is {answer.state}; its last lines:\n{process.tail(20)}"
                    )
                await asyncio.sleep(POLL_S)

    def _show(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _client(program: Program, key: str | None) -> httpx.AsyncClient:
    # A proxy that the environment names is not for this machine.
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{program.port}",
        headers={"Authorization": f"Bearer {key}"} if key else None,
        trust_env=False,
        timeout=httpx.Timeout(5, read=120),
    )


def _check_port(program: Program) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", program.port))  # noqa: S104
        except OSError as error:
            raise UsageError(
                f"port {program.port} for the {program.role} cannot be used: "
                f"{error.strerror}; choose another by --port"
            ) from error


async def _first_of(work: Coroutine[None, None, None], fleet: Fleet, asked: Interruptions) -> None:
    """Do the work, until it is done, a program dies, or someone asks to stop.

    Raises:
        ProcessError: A program died.
    """
    working = asyncio.ensure_future(work)
    dying = asyncio.ensure_future(fleet.death())
    stopping = asyncio.ensure_future(asked.first.wait())
    tasks: set[asyncio.Future[Any]] = {working, dying, stopping}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if working.done() and working.exception() is not None:
            # A program that dies breaks the work off before its death is noticed.
            await asyncio.wait({dying}, timeout=DEATH_S)
        if dying.done():
            raise dying.result()
        if working.done():
            working.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
