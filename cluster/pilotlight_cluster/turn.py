"""One command at a time changes the cluster."""

import fcntl
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

    Raises:
        OperationError: The other one takes more than half an hour.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".turn").open("w") as lock:
        if not _take(lock.fileno()):
            with progress.step("wait for another `pilotlight cluster` command"):
                deadline = time.monotonic() + PATIENCE_S
                while not _take(lock.fileno()):
                    if time.monotonic() > deadline:
                        raise OperationError("another `pilotlight cluster` command does not end")
                    time.sleep(POLL_S)
        yield


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
