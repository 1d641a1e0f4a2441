"""Writes lines off the event loop: a thread, and a queue that is bounded in bytes."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator

from pilotlight_transformer.auditing.sink import Sink

logger = logging.getLogger(__name__)

FLUSH_S = 0.25
"""How long a line waits for others, at most."""
STOP_S = 5.0
"""How long the last lines may take."""
BATCH_BYTES = 256 * 2**10


class Writer:
    """Takes lines on the event loop, and writes them on a thread.

    The thread is a daemon: an output that nobody reads cannot keep the process from ending.

    Args:
        sink: Where they go.
        queue_bytes: Lines that wait; more are dropped.
        keep: Try lines again that could not be written, instead of dropping them.
        counted: Told how many lines were written (``True``) or dropped.
    """

    def __init__(
        self, sink: Sink, queue_bytes: int, *, keep: bool, counted: Callable[[bool, int], object]
    ) -> None:
        self._sink = sink
        self._queue_bytes = queue_bytes
        self._keep = keep
        self._counted = counted
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._wake = threading.Event()
        self._stopping = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    @property
    def takes(self) -> bool:
        """Whether what is put now is likely to be written."""
        return not self._failing and self._bytes <= self._queue_bytes // 2

    def put(self, line: bytes) -> None:
        """Queue a line; it is dropped, and counted, if the queue is full."""
        with self._lock:
            if self._bytes + len(line) <= self._queue_bytes:
                self._lines.append(line)
                self._bytes += len(line)
                if self._bytes > self._queue_bytes // 4:
                    self._wake.set()
                return
        self._counted(False, 1)

    async def stop(self) -> None:
        """Write what waits, and end. What is not written in time is dropped."""
        self._stopping = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join, STOP_S)
        if self._thread.is_alive():
            logger.warning("the audit's output takes nothing: its last lines may be lost")

    def _run(self) -> None:
        while True:
            self._wake.wait(FLUSH_S)
            self._wake.clear()
            last = self._stopping
            self._flush(last=last)
            if last:
                self._sink.close()
                return

    def _flush(self, *, last: bool) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        written = 0
        for batch in _batches(lines):
            if not self._write(batch, last=last):
                break
            written += len(batch)
        rest = lines[written:]
        if rest and self._keep and not last:
            with self._lock:
                self._lines = rest + self._lines
            return
        if rest:
            self._gone(rest, written=False)

    def _write(self, batch: list[bytes], *, last: bool) -> bool:
        """Write a batch; returns whether those after it are worth trying."""
        try:
            self._sink.write(b"".join(batch))
        except OSError as error:
            if not self._failing:
                logger.warning("the audit cannot be written: %s", error.strerror)
            self._failing = True
            return False
        self._failing = False
        self._gone(batch, written=True)
        return True

    def _gone(self, lines: list[bytes], *, written: bool) -> None:
        with self._lock:
            self._bytes -= sum(map(len, lines))
        self._counted(written, len(lines))


def _batches(lines: list[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and size + len(line) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield batch
