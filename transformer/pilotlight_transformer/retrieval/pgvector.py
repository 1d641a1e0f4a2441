"""Documents in PostgreSQL with pgvector: one store for all replicas, exact search."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from pilotlight.errors import Unavailable
from pilotlight_transformer.retrieval.document import SHARED, Chunk, Document, Found, Vector

CONNECT_S = 5.0
COMMAND_S = 60.0

SCHEMA = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS pilotlight_documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL, collection text NOT NULL, name text NOT NULL, title text NOT NULL,
    digest text NOT NULL, model text NOT NULL, chunks integer NOT NULL,
    stored_at double precision NOT NULL, dimension integer NOT NULL,
    UNIQUE (tenant, collection, name)
);
CREATE TABLE IF NOT EXISTS pilotlight_chunks (
    document bigint NOT NULL REFERENCES pilotlight_documents (id) ON DELETE CASCADE,
    number integer NOT NULL, text text NOT NULL, tokens integer NOT NULL, embedding vector NOT NULL,
    PRIMARY KEY (document, number)
);
"""
_LOCK = 7_263_001
"""Of :data:`SCHEMA`: two that make it at once would fail each other."""

_SEARCH = """
SELECT d.name, d.title, c.number, c.text, c.tokens, 1 - (c.embedding <=> $1::text::vector) AS score
FROM pilotlight_documents d JOIN pilotlight_chunks c ON c.document = d.id
WHERE d.tenant IN ($2, $3) AND d.collection = $4 AND d.model = $5 AND d.dimension = $6
ORDER BY c.embedding <=> $1::text::vector, d.name, c.number LIMIT $7
"""


class PgvectorStore:
    """A store in PostgreSQL. It connects when it is first used.

    Args:
        dsn: postgresql:// URL; its password is never logged.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Nothing: a database that is away now may be back for the first request."""

    async def prepare(self) -> None:
        async with self._connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(SCHEMA)

    async def search(
        self, tenant: str, collection: str, model: str, vector: Vector, top_k: int
    ) -> list[Found]:
        values = (_text(vector), tenant, SHARED, collection, model, len(vector), top_k)
        async with self._connection() as connection:
            rows = await connection.fetch(_SEARCH, *values)
        return [
            Found(
                row["name"],
                row["title"],
                Chunk(row["number"], row["text"], row["tokens"]),
                row["score"],
            )
            for row in rows
        ]

    async def documents(
        self, tenant: str | None = None, collection: str | None = None
    ) -> list[Document]:
        async with self._connection() as connection:
            rows = await connection.fetch(
                "SELECT tenant, collection, name, title, digest, model, chunks, stored_at "
                "FROM pilotlight_documents WHERE ($1::text IS NULL OR tenant = $1) "
                "AND ($2::text IS NULL OR collection = $2) "
                'ORDER BY tenant COLLATE "C", collection COLLATE "C", name COLLATE "C"',
                tenant,
                collection,
            )
        return [Document(*row) for row in rows]

    async def put(self, document: Document, chunks: Sequence[Chunk], vectors: Vector) -> None:
        async with self._connection() as connection, connection.transaction():
            made = await connection.fetchval(
                "INSERT INTO pilotlight_documents (tenant, collection, name, title, digest, model, "
                "chunks, stored_at, dimension) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                "ON CONFLICT (tenant, collection, name) DO UPDATE SET title = $4, digest = $5, "
                "model = $6, chunks = $7, stored_at = $8, dimension = $9 RETURNING id",
                document.tenant,
                document.collection,
                document.name,
                document.title,
                document.digest,
                document.model,
                document.chunks,
                document.stored_at,
                vectors.shape[-1],
            )
            await connection.execute("DELETE FROM pilotlight_chunks WHERE document = $1", made)
            await connection.executemany(
                "INSERT INTO pilotlight_chunks VALUES ($1, $2, $3, $4, $5::text::vector)",
                [
                    (made, chunk.number, chunk.text, chunk.tokens, _text(vector))
                    for chunk, vector in zip(chunks, vectors, strict=True)
                ],
            )

    async def delete(self, tenant: str, collection: str, names: Sequence[str]) -> int:
        async with self._connection() as connection:
            done = await connection.execute(
                "DELETE FROM pilotlight_documents "
                "WHERE tenant = $1 AND collection = $2 AND name = ANY($3::text[])",
                tenant,
                collection,
                list(names),
            )
        return int(done.rpartition(" ")[2])

    async def close(self) -> None:
        if self._pool is not None:
            try:
                async with asyncio.timeout(CONNECT_S):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with (await self._open_pool()).acquire(timeout=CONNECT_S) as connection:
                yield connection
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            # The error's own text may hold a document's.
            raise Unavailable(
                f"the documents' PostgreSQL did not take it ({type(error).__name__}): see its log, "
                "and the `dsn` of the step retrieve",
                retry_after_s=5,
            ) from error

    async def _open_pool(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn, min_size=0, max_size=4, timeout=CONNECT_S, command_timeout=COMMAND_S
                )
        return self._pool


def _text(vector: Vector) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(repr(float(number)) for number in vector) + "]"
