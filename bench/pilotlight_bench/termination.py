"""A benchmark that is told to stop ends its servers first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def orderly_termination() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into ``SystemExit``, so that contexts close and servers end.

    Use in the main thread. Servers run in sessions of their own: nothing else would end them.
    """
    before = {number: signal.signal(number, _exit) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
