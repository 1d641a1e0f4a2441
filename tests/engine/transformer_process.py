"""A real transformer before a real predictor, as a child process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

from tests.engine.predictor_process import MODEL_NAME, free_port

START_S = 30.0
STOP_S = 30.0


@dataclass(frozen=True)
class Transformer:
    """A running transformer."""

    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: str = "none", prefix: str = "/v1") -> OpenAI:
        """The official client, without its retries."""
        return OpenAI(base_url=self.url + prefix, api_key=key, max_retries=0, timeout=120)

    def request(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> httpx.Response:
        """One request, with a bearer token if one is given."""
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return httpx.request(method, self.url + path, json=body, headers=headers, timeout=120)

    def wait_ready(self) -> None:
        """Wait until it is ready.

        Raises:
            AssertionError: It ended, or took too long; the message has the end of its log.
        """
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/v2/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the transformer is not ready: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


@contextmanager
def transformer_before(
    predictor_host: str,
    folder: Path,
    *,
    pipeline: str | None = None,
    predictor_grpc_host: str | None = None,
) -> Iterator[Transformer]:
    """Start one before a predictor, and end it at the end of the block.

    Args:
        predictor_host: Host and port of the predictor.
        pipeline: The text of the pipeline's file.
        predictor_grpc_host: Host and port of the predictor's gRPC, if the transformer takes it too.
    """
    port, grpc_port = free_port(), free_port()
    log = folder / f"transformer-{port}.log"
    command = [
        sys.executable,
        "-m",
        "pilotlight_transformer",
        f"--model_name={MODEL_NAME}",
        f"--predictor_host={predictor_host}",
        "--http_host=127.0.0.1",
        f"--http_port={port}",
        "--drain-delay-s=0",
    ]
    if predictor_grpc_host is not None:
        grpc = (f"--grpc_port={grpc_port}", f"--predictor_grpc_host={predictor_grpc_host}")
        command.extend(grpc)
    if pipeline is not None:
        file = folder / f"pipeline-{port}.yaml"
        file.write_text(pipeline)
        command.append(f"--pipeline={file}")
    variables = {key: value for key, value in os.environ.items() if key != "K_REVISION"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=variables)
    running = Transformer(process, port, grpc_port, log)
    try:
        running.wait_ready()
        yield running
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        finally:
            process.kill()
            process.wait()
