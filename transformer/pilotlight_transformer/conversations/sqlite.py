"""Conversations in a file on the node."""

import sqlite3
from collections.abc import Mapping
from typing import cast

from pilotlight_transformer.conversations.history import History
from pilotlight_transformer.conversations.store import Holder, Kept, Key, TurnLost, TurnRefused
from pilotlight_transformer.stores.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS conversation (
    tenant BLOB NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    history BLOB NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX IF NOT EXISTS conversation_expires_at ON conversation (expires_at);
CREATE INDEX IF NOT EXISTS conversation_tenant ON conversation (tenant, expires_at);
CREATE TABLE IF NOT EXISTS turn (
    tenant BLOB NOT NULL,
    id TEXT NOT NULL,
    holder TEXT NOT NULL,
    held_until REAL NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turn_held_until ON turn (held_until);
"""
MAX_CONVERSATIONS = 10_000
SWEPT = 20
"""Forgotten conversations that one commit clears away: more than one commit can make."""
FORSAKEN_S = 3600.0
"""How long a turn that nobody renews may still be committed, if nobody else takes it."""


class SqliteConversations:
    """A ``Conversations`` for the processes of one pod.

    Args:
        max_conversations: Of one tenant; a new one then takes the place of the one whose last
            turn is longest ago, and which has none under way.
    """

    def __init__(self, database: Database, max_conversations: int = MAX_CONVERSATIONS) -> None:
        self._database = database
        self._max_conversations = max_conversations

    async def open(self) -> None:
        """Make the tables."""
        await self._database.make(SCHEMA)

    async def begin(
        self, key: Key, holder: Holder, expected: int | None, lease_s: float, now: float
    ) -> Kept:
        at = _columns(key)

        def work(connection: sqlite3.Connection) -> Kept:
            version, history = _find(connection, key, now)
            others = "SELECT 1 FROM turn WHERE tenant = ? AND id = ? AND held_until > ?"
            if connection.execute(others, (*at, now)).fetchone():
                raise TurnRefused(version, busy=True)
            if expected is not None and expected != version:
                raise TurnRefused(version, busy=False)
            connection.execute(
                "REPLACE INTO turn VALUES (?, ?, ?, ?)", (*at, holder, now + lease_s)
            )
            return Kept(version, History.unpacked(history))

        return await self._database.write(work)

    async def commit(self, key: Key, holder: Holder, kept: Kept, ttl_s: float, now: float) -> None:
        packed = kept.history.packed()

        def work(connection: sqlite3.Connection) -> None:
            if not _give_back(connection, key, holder):
                raise TurnLost
            connection.execute(
                "REPLACE INTO conversation VALUES (?, ?, ?, ?, ?)",
                (*_columns(key), kept.version, packed, now + ttl_s),
            )
            _sweep(connection, now)
            if kept.version == 1:
                _make_room(connection, key, self._max_conversations, now)

        await self._database.write(work)

    async def release(self, key: Key, holder: Holder) -> None:
        await self._database.write(lambda connection: _give_back(connection, key, holder))

    async def renew(self, held: Mapping[Holder, Key], lease_s: float, now: float) -> None:
        rows = [(now + lease_s, *_columns(key), holder) for holder, key in held.items()]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE turn SET held_until = ? WHERE tenant = ? AND id = ? AND holder = ?", rows
            )

        await self._database.write(work)

    async def read(self, key: Key, now: float) -> tuple[Kept, float] | None:
        rows = await self._database.read(
            "SELECT version, history, expires_at FROM conversation"
            " WHERE tenant = ? AND id = ? AND expires_at > ?",
            (*_columns(key), now),
        )
        if not rows:
            return None
        version, history, expires_at = cast("tuple[int, bytes, float]", rows[0])
        return Kept(version, History.unpacked(history)), expires_at

    async def delete(self, key: Key, now: float) -> bool:
        at = _columns(key)

        def work(connection: sqlite3.Connection) -> bool:
            version, _ = _find(connection, key, now)
            connection.execute("DELETE FROM conversation WHERE tenant = ? AND id = ?", at)
            connection.execute("DELETE FROM turn WHERE tenant = ? AND id = ?", at)
            return version > 0

        return await self._database.write(work)


def _find(connection: sqlite3.Connection, key: Key, now: float) -> tuple[int, bytes]:
    row: tuple[int, bytes] | None = connection.execute(
        "SELECT version, history FROM conversation WHERE tenant = ? AND id = ? AND expires_at > ?",
        (*_columns(key), now),
    ).fetchone()
    return row or (0, b"")


def _give_back(connection: sqlite3.Connection, key: Key, holder: Holder) -> bool:
    given = connection.execute(
        "DELETE FROM turn WHERE tenant = ? AND id = ? AND holder = ?", (*_columns(key), holder)
    )
    return given.rowcount > 0


def _sweep(connection: sqlite3.Connection, now: float) -> None:
    for table, column, before in (
        ("conversation", "expires_at", now),
        ("turn", "held_until", now - FORSAKEN_S),
    ):
        connection.execute(
            f"DELETE FROM {table} WHERE (tenant, id) IN"  # noqa: S608  # our own names
            f" (SELECT tenant, id FROM {table} WHERE {column} <= ? LIMIT ?)",
            (before, SWEPT),
        )


def _make_room(connection: sqlite3.Connection, new: Key, most: int, now: float) -> None:
    tenant, name = _columns(new)
    (count,) = connection.execute(
        "SELECT count(*) FROM conversation WHERE tenant = ?", (tenant,)
    ).fetchone()
    if count > most:
        connection.execute(
            "DELETE FROM conversation WHERE tenant = ? AND id IN"
            " (SELECT id FROM conversation AS one WHERE tenant = ? AND id != ? AND NOT EXISTS"
            " (SELECT 1 FROM turn WHERE tenant = one.tenant AND id = one.id AND held_until > ?)"
            " ORDER BY expires_at LIMIT ?)",
            (tenant, tenant, name, now, min(count - most, SWEPT)),
        )


def _columns(key: Key) -> tuple[bytes, str]:
    # Bytes: a tenant's name may hold what is no text to SQLite.
    return key.tenant.encode("utf-8", "surrogatepass"), key.id
