"""Feedback in a file on the node."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

from pilotlight.errors import OperationError, UsageError
from pilotlight_transformer.feedback.answered import Answered, Text
from pilotlight_transformer.feedback.given import Feedback
from pilotlight_transformer.feedback.packing import packed, unpacked
from pilotlight_transformer.feedback.store import (
    Accepted,
    Bounds,
    Entry,
    TooManyChanges,
    UnknownAnswer,
)
from pilotlight_transformer.stores.database import BUSY_S, Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant BLOB NOT NULL,
    response_id TEXT NOT NULL,
    at REAL NOT NULL,
    facts BLOB NOT NULL,
    text BLOB,
    changes INTEGER NOT NULL DEFAULT 0,
    scored INTEGER NOT NULL DEFAULT 0,
    flagged INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, response_id)
);
CREATE INDEX IF NOT EXISTS answer_at ON answer (at);
CREATE TABLE IF NOT EXISTS feedback (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant BLOB NOT NULL,
    response_id TEXT NOT NULL,
    at REAL NOT NULL,
    given BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_at ON feedback (at);
CREATE INDEX IF NOT EXISTS feedback_response ON feedback (tenant, response_id);
CREATE TABLE IF NOT EXISTS label (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant BLOB NOT NULL,
    response_id TEXT NOT NULL,
    at REAL NOT NULL,
    entry BLOB NOT NULL,
    UNIQUE (tenant, response_id)
);
CREATE INDEX IF NOT EXISTS label_at ON label (at);
CREATE TABLE IF NOT EXISTS reader (name TEXT PRIMARY KEY, position INTEGER NOT NULL);
"""
SWEEP_EVERY = 64
"""Notes between two looks for what is too old."""
SWEPT = 256
"""Rows of a table that one look clears away: more than come in between."""

# An answer that takes another one's place takes no more room: its row stays.
_ANEW = """at = excluded.at, facts = excluded.facts, text = excluded.text,
 changes = 0, scored = 0, flagged = 0"""
_THIS = "WHERE tenant = ? AND response_id = ?"


class SqliteFeedback:
    """A ``FeedbackStore`` for the processes of one pod."""

    def __init__(self, database: Database, bounds: Bounds) -> None:
        self._database = database
        self._bounds = bounds
        self._notes = 0

    async def open(self) -> None:
        """Make the tables."""
        await self._database.make(SCHEMA)

    async def note(self, answer: Answered, text: Text | None) -> None:
        row = (
            *_at(answer.tenant, answer.response_id),
            answer.at,
            packed(answer.document()),
            None if text is None else packed(text),
        )
        then = "NOTHING" if answer.replayed else f"UPDATE SET {_ANEW}"
        self._notes += 1
        sweeps = self._notes % SWEEP_EVERY == 1

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"DELETE FROM answer {_THIS} AND at <= ?",  # noqa: S608
                (*row[:2], answer.at - self._bounds.keep_s),
            )
            connection.execute(
                "INSERT INTO answer (tenant, response_id, at, facts, text)"  # noqa: S608
                " VALUES (?, ?, ?, ?, ?)"
                f" ON CONFLICT (tenant, response_id) DO {then}",
                row,
            )
            if sweeps:
                _sweep(connection, self._bounds, answer.at)

        await self._database.write(work)

    async def give(self, tenant: str, feedback: Feedback, now: float) -> Accepted:
        def work(connection: sqlite3.Connection) -> Accepted:
            return _give(connection, tenant, feedback, now, self._bounds)

        return await self._database.write(work)


def _give(
    connection: sqlite3.Connection, tenant: str, feedback: Feedback, now: float, bounds: Bounds
) -> Accepted:
    at = _at(tenant, feedback.response_id)
    row = connection.execute(
        f"SELECT facts, text, changes, scored, flagged FROM answer {_THIS} AND at > ?",  # noqa: S608
        (*at, now - bounds.keep_s),
    ).fetchone()
    if row is None:
        raise UnknownAnswer
    facts, text, changes, scored, flagged = cast("tuple[bytes, bytes | None, int, int, int]", row)
    if changes >= bounds.max_changes:
        raise TooManyChanges
    given = feedback.document(now)
    connection.execute(
        "INSERT INTO feedback (tenant, response_id, at, given) VALUES (?, ?, ?, ?)",
        (*at, now, packed(given)),
    )
    connection.execute(
        "UPDATE answer SET changes = changes + 1, scored = max(scored, ?),"  # noqa: S608
        f" flagged = max(flagged, ?) {_THIS}",
        (feedback.score is not None, feedback.flagged, *at),
    )
    connection.execute(f"DELETE FROM label {_THIS}", at)  # noqa: S608
    answer = unpacked(facts)
    if feedback.for_labelling:
        entry: Entry = {"answer": answer, "feedback": given}
        if text is not None:
            entry["text"] = unpacked(text)
        connection.execute(
            "INSERT INTO label (tenant, response_id, at, entry) VALUES (?, ?, ?, ?)",
            (*at, now, packed(entry)),
        )
    return Accepted(
        revision=answer["revision"],
        change=changes + 1,
        first_score=feedback.score is not None and not scored,
        first_flag=feedback.flagged and not flagged,
    )


def _sweep(connection: sqlite3.Connection, bounds: Bounds, now: float) -> None:
    for table in ("answer", "feedback", "label"):
        _delete(connection, table, "at <= ?", now - bounds.keep_s)
    for table, most in (("answer", bounds.max_answers), ("label", bounds.max_labels)):
        # Rows are counted, not numbers: feedback that is changed often uses numbers up, and would
        # push out what others have. Where there are not even so many numbers, nothing need be.
        numbers = f"SELECT ifnull(max(seq) - min(seq) + 1, 0) FROM {table}"  # noqa: S608
        (spread,) = connection.execute(numbers).fetchone()
        if spread > most:
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            connection.execute(
                f"DELETE FROM {table} WHERE seq IN"  # noqa: S608
                f" (SELECT seq FROM {table} ORDER BY seq LIMIT ?)",
                (min(max(rows - most, 0), SWEPT),),
            )


def _delete(connection: sqlite3.Connection, table: str, which: str, limit: float) -> None:
    connection.execute(
        f"DELETE FROM {table} WHERE seq IN (SELECT seq FROM {table} WHERE {which}"  # noqa: S608
        f" LIMIT {SWEPT})",
        (limit,),
    )


def _at(tenant: str, response_id: str) -> tuple[bytes, str]:
    # Bytes: a tenant's name may hold what is no text to SQLite.
    return tenant.encode("utf-8", "surrogatepass"), response_id


class SqliteLabels:
    """``Labels`` in the file that :class:`SqliteFeedback` writes, which may be in use.

    Raises:
        UsageError: There is no such file.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UsageError(
                f"there is no {path}: name the folder that the pipeline's stores.folder names, on "
                "the node or volume where the transformer keeps it"
            )
        self._path = path
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            self._connection.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise OperationError(f"{path} cannot be read: {error}") from None

    def after(self, position: str, limit: int) -> Sequence[tuple[str, Entry]]:
        rows = self._ask(
            "SELECT seq, entry FROM label WHERE seq > ? ORDER BY seq LIMIT ?",
            (int(position or 0), limit),
        )
        return [(str(seq), unpacked(cast("bytes", entry))) for seq, entry in rows]

    def count(self) -> int:
        ((number,),) = self._ask("SELECT count(*) FROM label", ())
        return cast("int", number)

    def cursor(self, name: str) -> str:
        rows = self._ask("SELECT position FROM reader WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else ""

    def advance(self, name: str, position: str) -> None:
        self._ask("REPLACE INTO reader VALUES (?, ?)", (name, int(position)))

    def close(self) -> None:
        self._connection.close()

    def _ask(self, query: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            with closing(self._connection.execute(query, parameters)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise OperationError(f"{self._path} cannot be read: {error}") from None
