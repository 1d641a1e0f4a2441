"""Logs: one line per event, as JSON, with the id of the request that caused it."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that the current task works for; empty outside of one."""

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@contextmanager
def bound_request_id(value: str) -> Iterator[None]:
    """Log lines written inside carry ``value`` as their request id."""
    token = request_id.set(value)
    try:
        yield
    finally:
        request_id.reset(token)


class JsonFormatter(logging.Formatter):
    """A record as one JSON object on one line.

    Fields: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``message``, ``request_id`` where there
    is one, whatever was passed as ``extra``, and ``exception`` (the traceback).
    """

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            entry["request_id"] = current
        entry |= {k: v for k, v in vars(record).items() if k not in _STANDARD_FIELDS}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A record for a person at a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        current = request_id.get()
        line = super().format(record)
        return line if current is None else f"[{current}] {line}"


def configure_logging(
    level: str = "INFO", *, json: bool = True, stream: TextIO | None = None
) -> None:
    """Send the logs of the whole process to one stream, in one format.

    Handlers that libraries put on the root logger before are replaced, so that no line appears
    twice or in another format.

    Args:
        level: The lowest level that is written (a name of the ``logging`` module).
        json: JSON lines, or lines for a person.
        stream: Where to; standard error by default.

    Raises:
        ValueError: ``level`` is not the name of a level.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if json else TextFormatter())
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.handlers[:] = [handler]
