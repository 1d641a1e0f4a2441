"""Where things lie in a checkout."""

from pathlib import Path

from pilotlight.local.smollm2 import CLAIM, NAME
from pilotlight.settings import CacheSettings


def checkout(start: Path) -> Path:
    """The nearest folder from ``start`` upwards that holds pyproject.toml, else ``start``."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return start


def results_folder(start: Path) -> Path:
    """Where published figures go."""
    return checkout(start) / "bench" / "results"


def logs_folder(start: Path, name: str) -> Path:
    """Where the servers of a benchmark write."""
    return checkout(start) / ".cache" / "bench" / name


def default_trace(start: Path) -> Path:
    """The Azure trace beside a checkout."""
    return checkout(start).parent / "shared" / "traces" / "azure_llm_2023_conv.csv.gz"


def default_model() -> Path:
    """The small model that ``make model`` prepares."""
    return CacheSettings().directory / "volumes" / CLAIM / NAME
