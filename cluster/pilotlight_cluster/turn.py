"""One command at a time changes the cluster."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster.console import Progress

PATIENCE_S = 1800
POLL_S = 0.5


@contextmanager
def turn(folder: Path, progress: Progress) -> Iterator[None]:
    """Wait until no other command is at work, then keep others waiting.

    The kernel ends a turn with its process: a crash leaves nothing locked.

    Args:
        folder: One that outlives the cluster, and is the same for every user: it is locked itself.

    Raises:
        OperationError: The other one takes more than half an hour.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not _take(lock):
            with progress.step("wait for another `pilotlight cluster` command"):
                _wait(lock)
        yield
    finally:
        os.close(lock)


def _wait(lock: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not _take(lock):
        if time.monotonic() > deadline:
            raise OperationError(
                "another `pilotlight cluster` command does not end: `ps -ef` shows it"
            )
        time.sleep(POLL_S)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
