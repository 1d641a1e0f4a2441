"""SQLite off the event loop: one writer at a time, nothing acknowledged before it is on disk."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from pilotlight.errors import Unavailable, UsageError

T = TypeVar("T")
Row = tuple[object, ...]
Work = Callable[[sqlite3.Connection], T]

BUSY_S = 5.0
"""How long one process waits for another one's write."""
MAX_GROUP = 256
"""Most writes that go to the disk together."""
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF
"""Of a result code: the rest of it says more, as in SQLITE_BUSY_SNAPSHOT."""


@dataclass(slots=True, eq=False)
class _Write:
    work: Work[Any]
    done: Future[Any] = field(default_factory=Future)

    def settle(self, run: Callable[[Work[Any]], Any]) -> None:
        try:
            self.done.set_result(run(self.work))
        except BaseException as error:  # noqa: BLE001  # the caller's, on its own thread
            self.done.set_exception(error)


class Database:
    """One SQLite file, shared by the processes of a pod.

    WAL with ``synchronous=FULL``: what :meth:`write` returned from survives ``kill -9`` and the
    loss of power. The connection lives on a thread of its own. Writes that come while the disk is
    busy share the next transaction: a thousand at once cost a few syncs, not a thousand.

    Args:
        path: Of the file; its folder is made.

    Raises:
        UsageError: The file cannot be made or opened, or is no database any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{path.stem}")
        self._waiting: list[_Write] = []
        self._lock = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = self._thread.submit(self._open).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise UsageError(_refusal(path, error)) from None

    def _open(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)  # before SQLite does: its log files get the same rights
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        try:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            self.path.chmod(0o600)
        except BaseException:
            connection.close()
            raise
        return connection

    async def make(self, schema: str) -> None:
        """Create tables: statements with ``IF NOT EXISTS``.

        Raises:
            Unavailable: The disk does not take it.
        """
        await self._run(lambda connection: _script(connection, schema))

    async def read(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query.

        Raises:
            Unavailable: The database does not answer.
        """
        return await self._run(lambda c: c.execute(query, parameters).fetchall())

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` as one transaction, on disk when this returns.

        Args:
            work: Gets the connection; an exception of it takes everything back and is raised. It
                may run a second time if the disk refused a transaction that it shared.

        Raises:
            Unavailable: The disk is full, or another process keeps the database for too long.
        """
        write = _Write(work)
        with self._lock:
            first = not self._waiting
            self._waiting.append(write)
        if first:
            self._thread.submit(self._write_waiting)
        result: T = await self._known(asyncio.wrap_future(write.done))
        return result

    def _write_waiting(self) -> None:
        with self._lock:
            writes, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            if self._waiting:
                self._thread.submit(self._write_waiting)
        # A caller that was cancelled before its turn is left out.
        writes = [write for write in writes if write.done.set_running_or_notify_cancel()]
        if len(writes) > 1 and _group(self._connection, writes):
            return
        for write in writes:
            write.settle(lambda work: _transaction(self._connection, work))

    async def _run(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await self._known(loop.run_in_executor(self._thread, work, self._connection))

    async def _known(self, result: "asyncio.Future[T]") -> T:
        try:
            return await result
        except sqlite3.Error as error:
            raise Unavailable(_failure(self.path, error), retry_after_s=5) from error

    async def close(self) -> None:
        """Close the file, after what is still to be written."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        while self._waiting:
            self._write_waiting()
        self._connection.close()


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait here for another process that does the same to a new file: we do."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _script(connection: sqlite3.Connection, schema: str) -> None:
    connection.executescript(schema)


def _transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _group(connection: sqlite3.Connection, writes: Sequence[_Write]) -> bool:
    """Put several writes on disk at once.

    Returns:
        Whether all are settled. If not, nothing was written, and each has to be tried on its own:
        one of them may be wrong, or the disk may have room for some.
    """
    try:
        results = _transaction(
            connection, lambda c: [_savepoint(c, write.work) for write in writes]
        )
    except sqlite3.Error as error:
        if _code(error) != sqlite3.SQLITE_BUSY:
            return False
        for write in writes:
            write.done.set_exception(error)
        return True
    for write, (result, fault) in zip(writes, results, strict=True):
        if fault is None:
            write.done.set_result(result)
        else:
            write.done.set_exception(fault)
    return True


def _savepoint(connection: sqlite3.Connection, work: Work[Any]) -> tuple[Any, Exception | None]:
    connection.execute("SAVEPOINT one")
    try:
        result, fault = work(connection), None
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001  # raised again where the write was asked for
        connection.execute("ROLLBACK TO one")
        result, fault = None, error
    connection.execute("RELEASE one")
    return result, fault


def _code(error: Exception) -> int | None:
    """The primary result code; ``None`` for errors that are not SQLite's own."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY


def _failure(path: Path, error: sqlite3.Error) -> str:
    code = _code(error)
    if code == sqlite3.SQLITE_FULL:
        return f"the disk under {path.name} is full: nothing was stored; make room, or try later"
    if code in _BROKEN:
        return (
            f"the database {path.name} is damaged: nothing was stored; the operator has to put a "
            "good copy in its place"
        )
    return f"the database {path.name} did not take it ({error}): nothing was stored; try again"


def _refusal(path: Path, error: Exception) -> str:
    if _code(error) in _BROKEN:
        return (
            f"{path} is damaged, or no SQLite database: move it away to begin with an empty one, "
            "or put a good copy in its place"
        )
    return (
        f"the database {path} cannot be opened ({error}): give `stores.folder` a folder that "
        "this process may write, on a disk with room"
    )
