"""Other programs, run to their end with a deadline."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pilotlight.errors import OperationError

TAIL_LINES = 15
# For programs that only speak to the cluster: no proxy can reach it.
DIRECT = {"NO_PROXY": "*", "no_proxy": "*"}


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program and return its standard output.

    Args:
        timeout_s: Seconds after which it is killed.
        environment: Variables on top of this process's own.

    Raises:
        OperationError: It is not installed, failed or took too long; the message holds the last
            lines that it printed.
    """
    command = [str(word) for word in argv]
    title = " ".join(command[:4])
    try:
        ended = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        reason = "is not installed" if isinstance(error, FileNotFoundError) else f"fails: {error}"
        raise OperationError(f"{command[0]} {reason}") from error
    except subprocess.TimeoutExpired as error:
        raise OperationError(f"`{title} …` took more than {timeout_s:.0f} s") from error
    if ended.returncode != 0:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-TAIL_LINES:]
        raise OperationError(
            f"`{title} …` failed with exit code {ended.returncode}:\n  " + "\n  ".join(said)
        )
    return ended.stdout
