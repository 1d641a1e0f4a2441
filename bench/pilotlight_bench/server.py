"""A server process under test: started, watched, paused and ended with all its children."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from pilotlight.errors import ProcessError

STOP_TIMEOUT_S = 20.0
_LOG_LINES_SHOWN = 20


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one server.

    Args:
        name: What tables call it.
        command: The argument vector.
        port: Where it will listen.
        environment: Variables that replace the caller's; an empty value unsets.
    """

    name: str
    command: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self.port}"


class Server:
    """A running server in a session of its own.

    The session, not the process group, finds the children: an engine may put its workers into
    groups of their own.

    Args:
        launch: What to start.
        log_dir: Where its output goes, as NAME.log.
    """

    def __init__(self, launch: Launch, log_dir: Path) -> None:
        self.launch = launch
        self.log = log_dir / f"{launch.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        changed = self.launch.environment
        environment = {name: value for name, value in os.environ.items() if name not in changed}
        environment |= {name: value for name, value in changed.items() if value}
        with self.log.open("wb") as log:
            self.started_at = time.monotonic()
            self._process = subprocess.Popen(
                list(self.launch.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The first process, which is also the session.

        Raises:
            ProcessError: It was never started.
        """
        if self._process is None:
            raise ProcessError(f"{self.launch.name} was not started: use it as a context")
        return self._process.pid

    def check_alive(self) -> None:
        """See that it still runs.

        Raises:
            ProcessError: It ended; the message holds the end of its log.
        """
        if self._process is not None and (code := self._process.poll()) is not None:
            raise ProcessError(
                f"{self.launch.name} ended with code {code}; the end of {self.log}:\n{self.tail()}"
            )

    def tail(self, lines: int = _LOG_LINES_SHOWN) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def processes(self) -> list[psutil.Process]:
        """Every process of its session."""
        return [process for process in psutil.process_iter() if _session(process) == self.pid]

    def cpu_s(self) -> float:
        """Processor time of its processes so far, in seconds, those that ended included."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
                total += times.children_user + times.children_system
        return total

    def pause(self) -> None:
        """Stop all its processes, so that an idle server takes nothing from the loaded one."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let all its processes go on."""
        self._signal_all(signal.SIGCONT)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End it: SIGTERM to the first process, SIGKILL to whatever is left after ``timeout_s``."""
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        deadline = time.monotonic() + timeout_s
        while self.processes() and time.monotonic() < deadline:
            self._process.poll()
            time.sleep(0.05)
        self._signal_all(signal.SIGKILL)
        self._process.wait()

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None
