"""Knative's own code, built into one small program that is asked what it would do."""

import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pilotlight.settings import CacheSettings
from pilotlight_cluster.binaries import GO
from pilotlight_cluster.command_line import run

SOURCE = Path(__file__).parent / "twin"
BUILD_TIMEOUT_S = 1800
ANSWER_TIMEOUT_S = 200

Ask = Callable[[Sequence[dict[str, Any]]], list[Any]]


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Questions to Knative's code (see ``twin/main.go``), and its answers."""
    program = _built()

    def ask(questions: Sequence[dict[str, Any]]) -> list[Any]:
        ended = subprocess.run(
            [program],
            input="\n".join(json.dumps(question) for question in questions),
            capture_output=True,
            text=True,
            timeout=ANSWER_TIMEOUT_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-3000:]
        answers = [json.loads(line) for line in ended.stdout.splitlines()]
        assert len(answers) == len(questions)
        return answers

    return ask


def _built() -> Path:
    """The program, in a folder named after its sources and pinned versions."""
    home = CacheSettings().directory / "knative-twin"
    home.mkdir(parents=True, exist_ok=True)
    program = home / _key()
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            fresh = program.with_suffix(".new")
            # The same flags as the cluster's programs, so that Go finds most of it compiled.
            flags = ("-trimpath", "-ldflags", "-s -w", "-o", fresh)
            build = ("go", "build", "-C", SOURCE, *flags, ".")
            run(build, timeout_s=BUILD_TIMEOUT_S, environment=GO)
            shutil.move(fresh, program)
    return program


def _key() -> str:
    digest = hashlib.sha256()
    for file in sorted(SOURCE.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
