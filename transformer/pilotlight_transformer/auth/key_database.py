"""Keys in the embedded database, which all processes of a pod share."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from pilotlight_transformer.auth.api_keys import ApiKey
from pilotlight_transformer.stores.database import Database, Row

logger = logging.getLogger(__name__)

NAME = "keys"
SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created REAL NOT NULL,
    expires REAL,
    revoked REAL
) STRICT;
"""
_COLUMNS = "id, tenant, name, sha256, scopes, created, expires, revoked"


class KeyDatabase:
    """The table of keys.

    Args:
        database: Named :data:`NAME`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[Row, ApiKey | None] = {}

    async def make(self) -> None:
        """Create the table if it is missing."""
        await self._database.make(SCHEMA)

    async def version(self) -> object:
        """Another value whenever another connection has written."""
        ((version,),) = await self._database.read("PRAGMA data_version")
        return version

    async def all(self, tenant: str | None = None) -> list[ApiKey]:
        """The keys, the oldest first; of one tenant, or of all."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS} FROM keys WHERE ?1 IS NULL OR tenant = ?1 "  # noqa: S608
            "ORDER BY created, id",
            (tenant,),
        )
        # Many keys take a while to check, and the event loop serves requests meanwhile.
        self._known = await asyncio.to_thread(_keys, rows, self._known)
        return [key for key in self._known.values() if key is not None]

    async def add(self, key: ApiKey) -> None:
        """Store a key; it is on disk when this returns."""
        row = (
            key.id,
            key.tenant,
            key.name,
            key.sha256,
            json.dumps(key.scopes),
            key.created.timestamp(),
            None if key.expires is None else key.expires.timestamp(),
            None if key.revoked is None else key.revoked.timestamp(),
        )

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"INSERT INTO keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                row,
            )

        await self._database.write(insert)

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Revoke a key; one that is revoked already keeps its time.

        Returns:
            Whether there is such a key.
        """

        def update(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(
                "UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?",
                (now.timestamp(), key_id),
            )
            return changed.rowcount > 0

        return await self._database.write(update)


def _keys(rows: Sequence[Row], known: Mapping[Row, ApiKey | None]) -> dict[Row, ApiKey | None]:
    """The keys by their rows; those that are known are not read again."""
    return {row: known[row] if row in known else _key(row) for row in rows}


def _key(row: Row) -> ApiKey | None:
    key_id, tenant, name, sha256, scopes, created, expires, revoked = row
    try:
        return ApiKey.model_validate(
            {
                "id": key_id,
                "tenant": tenant,
                "name": name,
                "sha256": sha256,
                "scopes": json.loads(str(scopes)),
                "created": _moment(created),
                "expires": _moment(expires),
                "revoked": _moment(revoked),
            }
        )
    except (ValidationError, ValueError):
        logger.warning("the key %s in the database cannot be used: its row is damaged", key_id)
        return None


def _moment(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None
