"""What a benchmark leaves behind: one JSON file per name, and lines that scripts read."""

import json
import math
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pilotlight_bench.machine import Machine
from pilotlight_bench.versions import describe_versions

Row = dict[str, Any]

# A word that is one, or an option that is given one: all but the last part.
_ABSOLUTE_PATH = re.compile(r"^(-[^=]*=)?/(?:.*/)?([^/]*)$")


class Result(BaseModel):
    """A benchmark's figures with all that is needed to judge and repeat them.

    Args:
        name: The benchmark.
        headline: Its figures by name; None for one that could not be computed.
        machine: Where, described before the run.
        versions: Of what.
        command: How to run it again.
        when: Its end, UTC.
        settings: Every choice that the figures depend on.
        rows: The raw measurements.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    headline: dict[str, float | None]
    machine: Machine
    versions: dict[str, str] = Field(default_factory=describe_versions)
    command: str = Field(default_factory=lambda: command_line(sys.argv))
    when: datetime = Field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    settings: dict[str, Any]
    rows: list[Row]

    def lines(self) -> list[str]:
        """``name=value``, four digits after the point, one per headline figure."""
        return [f"{name}={_shown(value)}" for name, value in self.headline.items()]

    def to_json(self) -> str:
        """JSON with one line per row, so that a file of thousands of figures can be read."""
        document = _finite(self.model_dump(mode="json"))
        rows = ",\n".join("  " + json.dumps(row) for row in document.pop("rows"))
        head = json.dumps(document, indent=1).removesuffix("\n}")
        return f'{head},\n "rows": [\n{rows}\n ]\n}}\n'

    def write(self, folder: Path) -> Path:
        """Write ``folder/NAME.json`` and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(self.to_json(), encoding="utf-8")
        return path


def command_line(argv: Sequence[str]) -> str:
    """The command, with absolute paths cut to their last part: the result is for other machines."""
    return " ".join(_ABSOLUTE_PATH.sub(r"\1\2", word) for word in argv)


def _shown(value: float | None) -> str:
    return "nan" if value is None else f"{value:.4f}"


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
