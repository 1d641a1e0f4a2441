"""Measured starts, from a metrics page or a JSON file."""

import json
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError, UsageError
from pilotlight.start_phases import METRIC, parse

FETCH_LIMIT_S = 10.0


@dataclass(frozen=True)
class StartPhases:
    """How long one start took.

    Attributes:
        total_s: From exec of the process to ready; the phases overlap, so it is not their sum.
        source: Where it was read.
    """

    total_s: float
    source: str


def read(source: str) -> StartPhases:
    """Read a metrics page by its URL, or a file with such a page or with ``{"total": 41.8}``.

    Raises:
        UsageError: There is no file, or it holds no phase ``total``.
        OperationError: The page cannot be fetched.
    """
    text = _fetch(source) if source.startswith(("http://", "https://")) else _load(source)
    total = _phases(text).get("total")
    if total is None or not 0 < total < float("inf"):
        raise UsageError(
            f"{source}: no phase `total`; a metrics page has {METRIC}"
            '{phase="total"} once the predictor is ready, a JSON file {"total": seconds}'
        )
    return StartPhases(total, source)


def _phases(text: str) -> dict[str, float]:
    if text.lstrip().startswith("{"):
        try:
            content = json.loads(text)
        except ValueError:
            return {}
        phases = content.get("start_phases", content)
        pairs = phases.items() if isinstance(phases, dict) else ()
        return {str(k): float(v) for k, v in pairs if type(v) in {int, float}}
    return parse(text)


def _load(source: str) -> str:
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"{source}: cannot be read: {reason}") from error


def _fetch(url: str) -> str:
    import httpx

    try:
        answer = httpx.get(url, timeout=FETCH_LIMIT_S, follow_redirects=True)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OperationError(f"{url}: no metrics page: {error}") from error
    return answer.text
