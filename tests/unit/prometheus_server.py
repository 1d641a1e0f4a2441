"""A real Prometheus for a test: a free port on loopback, ended with the test."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.transformer.redis_server import free_port


@contextmanager
def prometheus_server(folder: Path, settings: Mapping[str, Any]) -> Iterator[str]:
    """The address of a Prometheus with these settings."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("there is no prometheus here")
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(settings))
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: httpx.get(f"{url}/-/ready", timeout=1).is_success)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def until(holds: Callable[[], Any], limit_s: float = 30.0) -> None:
    """Wait for what is asked over HTTP."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if holds():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come")
