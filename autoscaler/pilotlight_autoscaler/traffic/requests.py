"""Histories of single requests: CSV, the Azure LLM trace, Mooncake's JSON lines."""

import csv
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.errors import UsageError
from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.traffic.lines import opened

_Row = tuple[float, float, float, float]
_KNOWN = (
    "time[,duration][,prompt_tokens,output_tokens]; TIMESTAMP,ContextTokens,GeneratedTokens "
    "(Azure); or JSON lines with timestamp, input_length, output_length (Mooncake)"
)


@dataclass(frozen=True)
class Requests:
    """Single requests, oldest first; all arrays have the shape (requests,), NaN for not known.

    Args:
        time_s: When each came, in seconds since the epoch, or since the trace began.
        duration_s: How long its answer took.
        prompt_tokens: Tokens in.
        output_tokens: Tokens out.
    """

    time_s: Floats
    duration_s: Floats
    prompt_tokens: Floats
    output_tokens: Floats


def read_requests(path: Path) -> Requests:
    """The requests of a file, in gzip or plain; what kind it is follows from its first line.

    Times are seconds (epoch or from any start) or ISO 8601, UTC where no zone is given.

    Raises:
        UsageError: It is of no known kind, or a line is wrong; which, and what is wrong with it.
    """
    with opened(path) as lines:
        first = lines.readline()
        rest = itertools.chain([first], lines)
        kind = _mooncake if first.lstrip().startswith("{") else _table
        rows = list(_numbered(path, kind(path, rest)))
    if not rows:
        raise UsageError(f"{path} holds no request")
    values = np.array(rows)
    values = values[np.argsort(values[:, 0], kind="stable")]
    return Requests(*values.T)


def _numbered(path: Path, parsed: Iterator[_Row]) -> Iterator[_Row]:
    for number in itertools.count(1):
        try:
            yield _checked(next(parsed))
        except StopIteration:
            return
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise UsageError(f"{path}, request {number}: {error!r}") from error


def _checked(row: _Row) -> _Row:
    if not math.isfinite(row[0]):
        raise ValueError(f"its time is {row[0]}")
    if any(value < 0 for value in row[1:]):
        raise ValueError("a duration or a number of tokens is negative")
    return row


def _mooncake(path: Path, lines: Iterable[str]) -> Iterator[_Row]:
    for line in lines:
        if line.strip():
            row: dict[str, Any] = json.loads(line)
            # Milliseconds from the start of the trace.
            time_s = float(row["timestamp"]) / 1000
            yield time_s, math.nan, float(row["input_length"]), float(row["output_length"])


def _table(path: Path, lines: Iterable[str]) -> Iterator[_Row]:
    reader = csv.DictReader(lines)
    names = {name.strip().lower(): name for name in reader.fieldnames or ()}
    if {"timestamp", "contexttokens", "generatedtokens"} <= names.keys():
        wanted = ("timestamp", "", "contexttokens", "generatedtokens")
    elif "time" in names:
        wanted = ("time", "duration", "prompt_tokens", "output_tokens")
    elif "window_start_s" in names:
        raise UsageError(f"{path} is a ServeGen trace: it has windows, not single requests")
    else:
        raise UsageError(f"{path} has the columns {', '.join(names.values())}: known are {_KNOWN}")
    columns = [names.get(name) for name in wanted]
    parsers: tuple[Callable[[str], float], ...] = (_time, float, float, float)
    for row in reader:
        time_s, duration, prompt, output = (
            parse(row[column]) if column and row[column] else math.nan
            for parse, column in zip(parsers, columns, strict=True)
        )
        yield time_s, duration, prompt, output


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        # Azure writes seven digits of a second, of which datetime takes six.
        moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
