"""The stand-in as a process, as its container starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

START_S = 20.0
STOP_S = 10.0


@dataclass
class StandIn:
    """A running stand-in."""

    process: subprocess.Popen[str]
    url: str

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=body, timeout=30)

    def complete(self, prompt: str = "Who lights it?", **fields: Any) -> httpx.Response:
        body = {"model": "standin", "prompt": prompt, "max_tokens": 4, **fields}
        return self.post("/v1/completions", **body)

    def behave(self, **fields: Any) -> None:
        self.post("/admin/behaviour", **fields).raise_for_status()

    def metric(self, sample: str) -> float:
        lines = self.get("/metrics").text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"{sample} "))

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


Start = Callable[..., StandIn]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program's files alone, under the name that they have in a pod."""
    folder = tmp_path_factory.mktemp("pod")
    (folder / "standin").symlink_to(Path(__file__).parents[2] / "e2e" / "standin")
    return folder


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start stand-ins, with a behaviour as keyword arguments; they are ended after the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(wait: bool = True, **behaviour: Any) -> StandIn:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        variables = {f"STANDIN_{name.upper()}": str(value) for name, value in behaviour.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "standin"],
            env={**os.environ, **variables, "PORT": str(port), "PYTHONPATH": str(folder)},
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        standin = StandIn(process, f"http://127.0.0.1:{port}")
        if wait:
            _wait_alive(standin)
        return standin

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=STOP_S)


def _wait_alive(standin: StandIn) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            standin.get("/v2/health/live").raise_for_status()
        except httpx.TransportError:
            assert standin.process.poll() is None, f"ended with {standin.process.returncode}"
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.02)
        else:
            return
