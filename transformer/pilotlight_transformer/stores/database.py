"""SQLite off the event loop: one writer at a time, nothing acknowledged before it is on disk."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pilotlight.errors import Unavailable, UsageError

T = TypeVar("T")
Row = tuple[object, ...]

BUSY_S = 5.0
"""How long one process waits for another one's write."""


class Database:
    """One SQLite file, shared by the processes of a pod.

    WAL with ``synchronous=FULL``: what :meth:`write` returned from survives ``kill -9`` and the
    loss of power. The connection lives on a thread of its own.

    Args:
        path: Of the file; its folder is made.

    Raises:
        UsageError: The file cannot be made or opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{path.stem}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = self._thread.submit(self._open).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise UsageError(
                f"the database {path} cannot be opened ({error}): give `stores.folder` a folder "
                "that this process may write"
            ) from None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        self.path.chmod(0o600)
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

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in one transaction, on disk when this returns.

        Args:
            work: Gets the connection; an exception of it takes everything back and is raised.

        Raises:
            Unavailable: The disk is full, or another process keeps the database for too long.
        """
        return await self._run(lambda connection: _transaction(connection, work))

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work, self._connection)
        except sqlite3.Error as error:
            raise Unavailable(
                f"the database {self.path.name} did not take it ({error}): nothing was stored; "
                "try again",
                retry_after_s=5,
            ) from error

    async def close(self) -> None:
        """Close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()


def _script(connection: sqlite3.Connection, schema: str) -> None:
    connection.executescript(schema)


def _transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
