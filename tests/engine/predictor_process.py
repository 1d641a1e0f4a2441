"""A real predictor as a child process: started, asked, ended, with its log at hand."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

MODEL_NAME = "smollm2"
ENGINE_ARGUMENTS = (
    "--dtype=float32",
    "--enforce-eager",
    "--max-model-len=2048",
    "--kv-cache-memory-bytes=1073741824",
)
START_S = 150.0
STOP_S = 60.0


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Predictor:
    """A running predictor."""

    process: subprocess.Popen[bytes]
    http_port: int
    grpc_port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.post(self.url + path, json=body, headers=headers, timeout=120)

    def complete(self, prompt: str, **parameters: Any) -> dict[str, Any]:
        """One greedy completion through the OpenAI route."""
        body = {"model": MODEL_NAME, "prompt": prompt, "temperature": 0, **parameters}
        answer = self.post("/v1/completions", body)
        answer.raise_for_status()
        fields: dict[str, Any] = answer.json()
        return fields

    def metric(self, name: str, **labels: str) -> float:
        """The value of one sample of ``/metrics``; 0 if it has none."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.get("/metrics").text.splitlines():
            sample, _, value = line.rpartition(" ")
            base, _, rest = sample.partition("{")
            if base == name and wanted <= set(rest.rstrip("}").split(",")):
                return float(value)
        return 0.0

    def state(self) -> str:
        return str(self.get("/v2/health/ready").json()["state"])

    def wait_ready(self) -> None:
        """Wait until it is ready.

        Raises:
            AssertionError: It ended, or took too long; the message has the end of its log.
        """
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.tail()}")
            try:
                if self.get("/v2/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready within {START_S} s: {self.tail()}")

    def engine_pid(self) -> int:
        """The process id of the engine core: the server's only child process."""
        children = Path(f"/proc/{self.process.pid}/task")
        pids = {
            pid for task in children.iterdir() for pid in (task / "children").read_text().split()
        }
        assert len(pids) == 1, f"children of the predictor: {pids}"
        return int(pids.pop())

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float = STOP_S) -> int:
        return self.process.wait(timeout_s)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def entries(self) -> list[dict[str, Any]]:
        """The log's JSON lines."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def launched(
    model: Path, folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[Predictor]:
    """Start a predictor; end it, and its engine, at the end of the block."""
    http_port, grpc_port = free_port(), free_port()
    log = folder / f"predictor-{http_port}.log"
    command = [
        sys.executable,
        "-m",
        "pilotlight_predictor",
        f"--model_name={MODEL_NAME}",
        f"--model_dir={model}",
        "--http_host=127.0.0.1",
        f"--http_port={http_port}",
        f"--grpc_port={grpc_port}",
        "--drain-delay-s=0",
        *ENGINE_ARGUMENTS,
        *arguments,
    ]
    variables = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**variables, **(environment or {})},
            start_new_session=True,
        )
    predictor = Predictor(process, http_port, grpc_port, log)
    try:
        yield predictor
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)
