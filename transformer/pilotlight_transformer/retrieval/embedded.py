"""Documents in SQLite on the node, and all their vectors in memory: exact search, no server."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from pilotlight.errors import Unavailable
from pilotlight_transformer.retrieval.document import SHARED, Chunk, Document, Found, Vector
from pilotlight_transformer.stores.database import Database

logger = logging.getLogger(__name__)

NAME = "documents"
"""Of the database, and so of its file."""
THREAD_ABOVE = 2_000_000
"""Numbers in a matrix above which a thread multiplies it: some milliseconds."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, collection TEXT NOT NULL, name TEXT NOT NULL,
    title TEXT NOT NULL, digest TEXT NOT NULL, model TEXT NOT NULL, chunks INTEGER NOT NULL,
    stored_at REAL NOT NULL, UNIQUE (tenant, collection, name)
);
CREATE TABLE IF NOT EXISTS chunks (
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, text TEXT NOT NULL, tokens INTEGER NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (document, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    tenant TEXT NOT NULL, collection TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (tenant, collection)
) WITHOUT ROWID;
"""

_Place = tuple[str, str]
"""Tenant and collection."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Chunks that one model embedded, a row of the matrix each."""

    matrix: Vector
    found: list[Found]

    def nearest(self, vector: Vector, top_k: int) -> list[Found]:
        scores = self.matrix @ vector
        count = min(top_k, len(scores))
        best = np.argpartition(-scores, count - 1)[:count]
        return [
            Found(found.document, found.title, found.chunk, float(scores[row]))
            for row in best
            for found in (self.found[row],)
        ]


class EmbeddedStore:
    """A store in one SQLite file, which several processes of a node may share.

    A change of one process is seen by the others within ``refresh_s``: each place (a tenant's
    collection) has a version that counts up.

    Args:
        database: With the documents.
        collection: To hold in memory; ``None``: none, for who only puts and deletes.
        refresh_s: How often versions are looked at.
    """

    def __init__(
        self, database: Database, collection: str | None = None, refresh_s: float = 5.0
    ) -> None:
        self._database = database
        self._collection = collection
        self._refresh_s = refresh_s
        self._versions: dict[_Place, int] = {}
        self._blocks: dict[_Place, dict[tuple[str, int], _Block]] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.prepare()
        await self.refresh()
        self._refreshing = asyncio.create_task(self._keep_fresh())

    async def prepare(self) -> None:
        await self._database.make(SCHEMA)

    @property
    def held(self) -> int:
        """Chunks in memory."""
        return sum(
            len(block.found) for blocks in self._blocks.values() for block in blocks.values()
        )

    async def refresh(self) -> None:
        """Load what has changed.

        Raises:
            Unavailable: The database cannot be read; what is in memory stays.
        """
        rows = await self._database.read(
            "SELECT tenant, collection, version FROM versions WHERE collection = ?",
            (self._collection,),
        )
        for tenant, collection, version in rows:
            place = (str(tenant), str(collection))
            if self._versions.get(place) != version:
                self._blocks[place] = await self._load(place)
                self._versions[place] = int(str(version))

    async def _keep_fresh(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(self._refresh_s)
            try:
                await self.refresh()
                failing = False
            except Unavailable as error:
                if not failing:
                    logger.warning("the documents in memory stay as they are: %s", error)
                failing = True

    async def _load(self, place: _Place) -> dict[tuple[str, int], _Block]:
        rows = await self._database.read(
            "SELECT d.model, d.name, d.title, c.number, c.text, c.tokens, c.vector "
            "FROM documents d JOIN chunks c ON c.document = d.id "
            "WHERE d.tenant = ? AND d.collection = ? ORDER BY d.id, c.number",
            place,
        )
        return await asyncio.to_thread(_blocks, rows)

    async def search(
        self, tenant: str, collection: str, model: str, vector: Vector, top_k: int
    ) -> list[Found]:
        blocks = [
            block
            for owner in {tenant, SHARED}
            if (block := self._blocks.get((owner, collection), {}).get((model, len(vector))))
        ]

        def search() -> list[Found]:
            found = [near for block in blocks for near in block.nearest(vector, top_k)]
            return sorted(found, key=lambda near: (-near.score, near.document, near.chunk.number))

        if sum(block.matrix.size for block in blocks) > THREAD_ABOVE:
            return (await asyncio.to_thread(search))[:top_k]
        return search()[:top_k]

    async def documents(
        self, tenant: str | None = None, collection: str | None = None
    ) -> list[Document]:
        rows = await self._database.read(
            "SELECT tenant, collection, name, title, digest, model, chunks, stored_at "
            "FROM documents WHERE (?1 IS NULL OR tenant = ?1) "
            "AND (?2 IS NULL OR collection = ?2) ORDER BY tenant, collection, name",
            (tenant, collection),
        )
        return [Document(*row) for row in rows]  # type: ignore[arg-type]  # SQLite's own types

    async def put(self, document: Document, chunks: Sequence[Chunk], vectors: Vector) -> None:
        place = (document.tenant, document.collection)
        rows = [
            (chunk.number, chunk.text, chunk.tokens, vector.astype("<f4").tobytes())
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]

        def work(connection: sqlite3.Connection) -> None:
            _remove(connection, place, document.name)
            made = connection.execute(
                "INSERT INTO documents (tenant, collection, name, title, digest, model, chunks, "
                "stored_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *place,
                    document.name,
                    document.title,
                    document.digest,
                    document.model,
                    document.chunks,
                    document.stored_at,
                ),
            ).lastrowid
            connection.executemany(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?)", [(made, *row) for row in rows]
            )
            _count_up(connection, place)

        await self._database.write(work)

    async def delete(self, tenant: str, collection: str, names: Sequence[str]) -> int:
        place = (tenant, collection)

        def work(connection: sqlite3.Connection) -> int:
            removed = sum(_remove(connection, place, name) for name in names)
            _count_up(connection, place)
            return removed

        return await self._database.write(work)

    async def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await self._refreshing


def _remove(connection: sqlite3.Connection, place: _Place, name: str) -> int:
    return connection.execute(
        "DELETE FROM documents WHERE tenant = ? AND collection = ? AND name = ?", (*place, name)
    ).rowcount


def _count_up(connection: sqlite3.Connection, place: _Place) -> None:
    connection.execute(
        "INSERT INTO versions VALUES (?, ?, 1) "
        "ON CONFLICT (tenant, collection) DO UPDATE SET version = version + 1",
        place,
    )


def _blocks(rows: Sequence[tuple[object, ...]]) -> dict[tuple[str, int], _Block]:
    """Rows of chunks, by their model and the length of their vectors."""
    sorted_out: dict[tuple[str, int], tuple[list[bytes], list[Found]]] = {}
    for model, name, title, number, text, tokens, vector in rows:
        assert isinstance(vector, bytes)  # noqa: S101  # as the table is made
        chunk = Chunk(int(str(number)), str(text), int(str(tokens)))
        vectors, found = sorted_out.setdefault((str(model), len(vector) // 4), ([], []))
        vectors.append(vector)
        found.append(Found(str(name), str(title), chunk, 0.0))
    return {
        (model, dimension): _Block(
            np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), dimension), found
        )
        for (model, dimension), (vectors, found) in sorted_out.items()
    }
