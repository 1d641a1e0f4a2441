"""Where the lines go: a file that is rotated, or the standard output. Both block."""

import contextlib
import fcntl
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

STDOUT = 1


class Sink(Protocol):
    """Takes lines; used by one thread."""

    def write(self, lines: bytes) -> None:
        """Write whole lines.

        Raises:
            OSError: They are not written, and nothing of them is.
        """
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


class StandardOutput:
    """Whoever reads the standard output; what it does not take cannot be taken back.

    Several processes may write there. A pipe keeps a write apart from others' if it is short
    enough; a line that is longer may be torn.
    """

    def write(self, lines: bytes) -> None:
        """Write whole lines, as many at once as stay together."""
        start = 0
        while start < len(lines):
            end = lines.rfind(b"\n", start, start + select.PIPE_BUF) + 1
            if not end:
                end = lines.find(b"\n", start) + 1 or len(lines)
            _write(STDOUT, lines[start:end])
            start = end

    def close(self) -> None:
        """Leave it open: it is not ours."""


class RotatedFile:
    """A file that several processes write, and that is set aside when it is full.

    ``audit.jsonl`` becomes ``audit.jsonl.1``, that one ``.2``, and so on; the oldest is deleted.
    A lock on the file keeps the processes apart. Only its owner may read it.

    Args:
        path: Of the file; its folder is made.
        max_bytes: It is set aside before it would hold more.
        keep: How many are kept beside it.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd: int | None = self._open()

    def write(self, lines: bytes) -> None:
        """Write whole lines, or none: what a full disk has taken of them is cut off again."""
        with self._locked() as fd:
            size = os.fstat(fd).st_size
            if size and size + len(lines) > self._max_bytes:
                self._set_aside()
        with self._locked() as fd:
            size = os.fstat(fd).st_size
            try:
                _write(fd, lines)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(fd, size)
                raise

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """The file that has the name now, kept for this process alone."""
        while True:
            if self._fd is None:
                self._fd = self._open()
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            if self._is_current(self._fd):
                break
            self.close()
        try:
            yield self._fd
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _is_current(self, fd: int) -> bool:
        """Whether nobody has set the file aside, or deleted it."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(fd))

    def _set_aside(self) -> None:
        if not self._keep:
            self._path.unlink()
            return
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._numbered(number).replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
