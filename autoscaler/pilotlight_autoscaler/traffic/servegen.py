"""ServeGen's clients: a rate and a distribution of inter-arrival times for each 10 minutes.

The format of the ServeGen traces (arXiv 2505.09999), repacked as CSV: ``client``,
``window_start_s``, ``rate_rps``, ``interarrival_cv``, ``distribution``, ``shape``, ``scale``.
A window without a line had no request.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from pilotlight.errors import UsageError
from pilotlight_autoscaler.demand import Flags, Floats
from pilotlight_autoscaler.traffic.lines import opened

WINDOW_S = 600.0
_COLUMNS = (
    "client",
    "window_start_s",
    "rate_rps",
    "interarrival_cv",
    "distribution",
    "shape",
    "scale",
)
_GAMMA = {"gamma": True, "weibull": False}


@dataclass(frozen=True)
class Client:
    """One caller, window by window; all arrays have the shape (windows,), oldest first.

    Args:
        name: As in the file.
        start_s: Where each window begins, in seconds from the start of the trace.
        rate_rps: Requests per second, over the whole window.
        cv: Coefficient of variation of the inter-arrival times; NaN where none is given.
        gamma: Whether these are distributed as Gamma; Weibull, if not.
        shape: Of the distribution.
        scale: Of the distribution, in seconds.
    """

    name: str
    start_s: Floats
    rate_rps: Floats
    cv: Floats
    gamma: Flags
    shape: Floats
    scale: Floats

    @property
    def requests(self) -> Floats:
        """In each window: whole numbers, at least one."""
        return np.maximum(np.round(self.rate_rps * WINDOW_S), 1.0)


def read(path: Path) -> tuple[Client, ...]:
    """The clients of a file, in the order of their first lines.

    Raises:
        UsageError: The file is not such a trace; which line, and what is wrong with it.
    """
    rows: dict[str, list[tuple[float, ...]]] = {}
    with opened(path) as lines:
        for client, row in _rows(path, lines):
            rows.setdefault(client, []).append(row)
    if not rows:
        raise UsageError(f"{path} holds no window: name a ServeGen trace with {_COLUMNS}")
    return tuple(_client(path, name, np.array(values)) for name, values in rows.items())


def holes(clients: Sequence[Client]) -> Floats:
    """Where nothing was recorded: windows that are missing for all clients at once.

    Returns:
        Begin and end of each hole in seconds, shape (holes, 2), merged and in order.
    """
    seen = np.unique(np.concatenate([client.start_s for client in clients]))
    late = np.flatnonzero(np.diff(seen) > WINDOW_S)
    return np.stack([seen[late] + WINDOW_S, seen[late + 1]], axis=1)


def end_s(clients: Sequence[Client]) -> float:
    """Where the last window of all ends, in seconds from the start of the trace."""
    return float(max(client.start_s[-1] for client in clients)) + WINDOW_S


def _rows(path: Path, lines: TextIO) -> Iterator[tuple[str, tuple[float, ...]]]:
    reader = csv.DictReader(lines)
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise UsageError(
            f"{path} has no column {', '.join(missing)}: a ServeGen trace has {', '.join(_COLUMNS)}"
        )
    try:
        for row in reader:
            yield row["client"], _values(row)
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error


def _values(row: dict[str, str]) -> tuple[float, ...]:
    kind = _GAMMA.get(row["distribution"].strip().lower())
    if kind is None:
        raise ValueError(f"the distribution is {row['distribution']!r}, not Gamma or Weibull")
    start, rate, shape, scale = (
        float(row[name]) for name in ("window_start_s", "rate_rps", "shape", "scale")
    )
    cv = float(row["interarrival_cv"] or "nan")
    if not start >= 0 or start % WINDOW_S or math.isinf(start):
        raise ValueError(f"a window starts at {start:g} s, not at a multiple of {WINDOW_S:g} s")
    for name, value in (("rate_rps", rate), ("shape", shape), ("scale", scale)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value:g}, not a positive number")
    if cv < 0 or math.isinf(cv):
        raise ValueError(f"interarrival_cv is {cv:g}, not a number from 0")
    return start, rate, cv, kind, shape, scale


def _client(path: Path, name: str, values: Floats) -> Client:
    values = values[np.argsort(values[:, 0], kind="stable")]
    start = values[:, 0]
    twice = start[1:][np.diff(start) == 0]
    if len(twice):
        raise UsageError(f"{path}: client {name} has the window at {twice[0]:g} s twice")
    return Client(name, start, values[:, 1], values[:, 2], values[:, 3] > 0, *values[:, 4:].T)
