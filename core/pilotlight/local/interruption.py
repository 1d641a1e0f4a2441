"""Ctrl-C and its like as something that one can wait for."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruptions:
    """The requests to stop: the first asks, the second hurries, the third ends."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self.third = asyncio.Event()

    def add(self) -> None:
        """Count one more."""
        for event in (self.first, self.second, self.third):
            if not event.is_set():
                event.set()
                return


@contextmanager
def interruptions() -> Iterator[Interruptions]:
    """Count signals that ask to stop, in place of ending at once."""
    loop = asyncio.get_running_loop()
    counted = Interruptions()
    for number in SIGNALS:
        loop.add_signal_handler(number, counted.add)
    try:
        yield counted
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
