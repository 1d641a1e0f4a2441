"""Sends loads to a server and brings back what happened."""

import json
import selectors
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pilotlight.errors import ProcessError
from pilotlight_bench.load.outcome import Outcome
from pilotlight_bench.load.plan import Load

START_TIMEOUT_S = 120.0


class LoadGenerator:
    """vLLM's serving benchmark in a process of its own.

    Args:
        log: Where its own output goes.
        command: What runs it; anything that speaks the lines of ``vllm_worker``.
    """

    def __init__(self, log: Path, command: tuple[str, ...] | None = None) -> None:
        self._log = log
        self._command = command or (sys.executable, "-m", "pilotlight_bench.load.vllm_worker")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._receive(START_TIMEOUT_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def run(self, url: str, model: str, load: Load, timeout_s: float) -> Outcome:
        """Send a load and wait for its last answer.

        Args:
            url: The server, without a path.
            model: The model's name there.
            load: What to send.
            timeout_s: Give up after so many seconds.

        Raises:
            ProcessError: The generator died, or the load took longer than ``timeout_s``.
        """
        job = {"url": url, "model": model, "load": load.model_dump()}
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(json.dumps(job) + "\n")
        stdin.flush()
        return Outcome.model_validate(self._receive(timeout_s))

    def _receive(self, timeout_s: float) -> Any:
        stdout = self._running().stdout
        assert stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                raise ProcessError(
                    f"the load generator gave no answer in {timeout_s:g} s: see {self._log}"
                )
        line = stdout.readline()
        if not line:
            raise ProcessError(f"the load generator died: see {self._log}")
        return json.loads(line)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise ProcessError("the load generator is not running: use it as a context")
        return self._process
