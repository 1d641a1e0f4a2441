"""A wrong argument: one line that names it, and exit code 2."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine.predictor_process import ENGINE_ARGUMENTS, free_port


def run(*arguments: str) -> tuple[int, list[str], str, float]:
    """Start the predictor; return its code, its plain lines on stderr, all of it, and seconds."""
    begin = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "pilotlight_predictor", "--http_host=127.0.0.1", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "K_REVISION": ""},
        check=False,
    )
    plain = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    return ended.returncode, plain, ended.stdout + ended.stderr, time.monotonic() - begin


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("--http_port=abc", "--http-port"),
        ("--http-port=70000", "--http-port"),
        ("--grpc_port=-1", "--grpc-port"),
        ("--model_dir=/nonexistent", "--model-dir"),
        ("--drain-delay-s=soon", "--drain-delay-s"),
        ("--batch-share=2", "--batch-share"),
        ("--admin-token=short", "--admin-token"),
        ("--port=8000", "--port"),
    ],
)
def test_an_argument_of_the_server_is_refused_before_vllm_is_imported(
    model: Path, argument: str, name: str
) -> None:
    arguments = [argument] if "model_dir" in argument else [f"--model_dir={model}", argument]
    code, lines, output, seconds = run(*arguments)
    assert code == 2
    assert len(lines) == 1
    assert name in lines[0]
    assert "Traceback" not in output
    assert seconds < 4


def test_no_model_at_all_is_said_in_one_line() -> None:
    code, lines, _, _ = run()
    assert (code, len(lines)) == (2, 1)
    assert "--model_dir" in lines[0]


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("--no-such-flag", "--no-such-flag"),
        ("--max-model-len=99999999", "max_model_len"),
        ("--tensor-parallel-size=0", "tensor_parallel_size"),
        ("--dtype=float7", "--dtype"),
    ],
)
def test_an_argument_of_vllm_is_refused_in_one_line(model: Path, argument: str, name: str) -> None:
    code, lines, output, _ = run(
        f"--model_dir={model}",
        f"--http_port={free_port()}",
        f"--grpc_port={free_port()}",
        *ENGINE_ARGUMENTS,
        argument,
    )
    assert code == 2
    assert len(lines) == 1
    assert name in lines[0]
    assert "Traceback" not in output


def test_a_taken_port_is_said_in_one_line(model: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, lines, _, seconds = run(f"--model_dir={model}", f"--http_port={port}")
    assert (code, len(lines)) == (2, 1)
    assert "--http-port" in lines[0]
    assert seconds < 4
