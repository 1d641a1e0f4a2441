"""Both stores of documents keep the same rules: embedded, and PostgreSQL with pgvector."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pilotlight.errors import Unavailable
from pilotlight_transformer.retrieval.document import SHARED, Chunk, Document
from pilotlight_transformer.retrieval.embedded import EmbeddedStore
from pilotlight_transformer.retrieval.pgvector import PgvectorStore
from pilotlight_transformer.retrieval.store import DocumentStore
from pilotlight_transformer.stores.database import Database
from tests.unit.transformer.retrieve.embeddings import vectors


@pytest.fixture(params=["embedded", "pgvector"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DocumentStore]:
    """A store without documents."""
    if request.param == "embedded":
        database = Database(tmp_path / "documents.db")
        embedded = EmbeddedStore(database, "c", refresh_s=0.02)
        await embedded.open()
        yield embedded
        await embedded.close()
        await database.close()
        return
    postgres = PgvectorStore(request.getfixturevalue("postgres"))
    await postgres.prepare()
    for document in await postgres.documents():
        await postgres.delete(document.tenant, document.collection, [document.name])
    yield postgres
    await postgres.close()


async def put(
    store: DocumentStore,
    name: str,
    *texts: str,
    tenant: str = SHARED,
    collection: str = "c",
    model: str = "embedder",
) -> None:
    """Store a document with these chunks."""
    document = Document(tenant, collection, name, name.title(), "digest", model, len(texts), 1.5)
    chunks = [Chunk(number, text, 5) for number, text in enumerate(texts)]
    await store.put(document, chunks, vectors(*texts))


async def found(
    store: DocumentStore,
    question: str,
    *,
    tenant: str = "anonymous",
    collection: str = "c",
    model: str = "embedder",
    top_k: int = 10,
) -> list[str]:
    """Names and numbers of what a question finds, once changes have arrived."""
    if isinstance(store, EmbeddedStore):
        await store.refresh()
    near = await store.search(tenant, collection, model, vectors(question)[0], top_k)
    assert [one.score for one in near] == sorted((one.score for one in near), reverse=True)
    return [f"{one.document}/{one.chunk.number}" for one in near]


async def test_the_nearest_come_first(store: DocumentStore) -> None:
    await put(store, "fruit", "apple pear", "apple")
    await put(store, "car", "engine wheel")
    assert (await found(store, "apple"))[:2] == ["fruit/1", "fruit/0"]
    assert await found(store, "wheel", top_k=1) == ["car/0"]
    near = await store.search("x", "c", "embedder", vectors("apple")[0], 1)
    assert near[0].title == "Fruit"
    assert near[0].chunk == Chunk(1, "apple", 5)
    assert near[0].score == pytest.approx(1, abs=1e-3)


async def test_a_tenant_finds_its_own_and_the_shared_only(store: DocumentStore) -> None:
    await put(store, "common", "apple")
    await put(store, "a-secret", "apple", tenant="a")
    await put(store, "b-secret", "apple", tenant="b")
    assert sorted(await found(store, "apple", tenant="a")) == ["a-secret/0", "common/0"]
    assert sorted(await found(store, "apple", tenant="b")) == ["b-secret/0", "common/0"]
    for nobody in ("c", "", "A", "%", "a' OR '1'='1"):
        assert await found(store, "apple", tenant=nobody) == ["common/0"]


async def test_the_same_name_of_two_tenants_is_two_documents(store: DocumentStore) -> None:
    await put(store, "notes", "apple", tenant="a")
    await put(store, "notes", "moon", tenant="b")
    assert await store.delete("a", "c", ["notes"]) == 1
    assert await found(store, "apple", tenant="a") == []
    assert await found(store, "moon", tenant="b") == ["notes/0"]


async def test_other_collections_and_models_are_not_searched(store: DocumentStore) -> None:
    await put(store, "one", "apple")
    await put(store, "two", "apple", collection="other")
    await put(store, "three", "apple", model="another")
    assert await found(store, "apple") == ["one/0"]
    assert await found(store, "apple", model="another") == ["three/0"]


async def test_a_vector_of_another_length_finds_nothing(store: DocumentStore) -> None:
    await put(store, "one", "apple")
    await found(store, "apple")
    assert await store.search("a", "c", "embedder", vectors("apple")[0][:3], 5) == []


async def test_a_document_is_replaced_whole(store: DocumentStore) -> None:
    await put(store, "one", "apple", "pear", "moon")
    await put(store, "one", "engine")
    assert await found(store, "apple") == ["one/0"]
    (document,) = await store.documents()
    assert document == Document(SHARED, "c", "one", "One", "digest", "embedder", 1, 1.5)


async def test_what_cannot_be_put_whole_is_not_put(store: DocumentStore) -> None:
    await put(store, "one", "apple")
    document = Document(SHARED, "c", "one", "One", "new", "embedder", 2, 1.5)
    twice = [Chunk(0, "moon", 5), Chunk(0, "moon", 5)]
    with pytest.raises(Unavailable):
        await store.put(document, twice, vectors("moon", "moon"))
    assert [stored.digest for stored in await store.documents()] == ["digest"]
    assert await found(store, "apple") == ["one/0"]


async def test_documents_are_listed_by_tenant_and_collection(store: DocumentStore) -> None:
    await put(store, "z", "apple", tenant="a")
    await put(store, "y", "apple", tenant="a", collection="d")
    await put(store, "x", "apple")

    def names(documents: list[Document]) -> list[str]:
        return [document.name for document in documents]

    assert names(await store.documents()) == ["x", "z", "y"]
    assert names(await store.documents("a")) == ["z", "y"]
    assert names(await store.documents("a", "d")) == ["y"]
    assert names(await store.documents(SHARED)) == ["x"]


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it holds, ten seconds at most."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # a condition of plain values
            await asyncio.sleep(0.01)


async def test_another_process_change_is_noticed(tmp_path: Path) -> None:
    ours, theirs = Database(tmp_path / "documents.db"), Database(tmp_path / "documents.db")
    reader, writer = EmbeddedStore(ours, "c", refresh_s=0.02), EmbeddedStore(theirs)
    await reader.open()
    assert reader.held == 0
    await put(writer, "one", "apple", "pear")
    await eventually(lambda: reader.held == 2)
    await writer.delete(SHARED, "c", ["one"])
    await eventually(lambda: reader.held == 0)
    await reader.close()
    await ours.close()
    await theirs.close()


async def test_documents_are_in_memory_at_the_start(tmp_path: Path) -> None:
    database = Database(tmp_path / "documents.db")
    first = EmbeddedStore(database)
    await first.prepare()
    await put(first, "one", "apple")
    second = EmbeddedStore(database, "c", refresh_s=60)
    await second.open()
    near = await second.search("t", "c", "embedder", vectors("apple")[0], 3)
    assert [one.chunk.text for one in near] == ["apple"]
    await second.close()
    await database.close()


async def test_what_is_in_memory_answers_while_the_disk_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(tmp_path / "documents.db")
    store = EmbeddedStore(database, "c", refresh_s=0.02)
    await store.open()
    await put(store, "one", "apple")
    await store.refresh()
    await database.read("ALTER TABLE versions RENAME TO gone")
    with pytest.raises(Unavailable):
        await store.refresh()
    await eventually(lambda: "stay as they are" in caplog.text)
    assert await store.search("t", "c", "embedder", vectors("apple")[0], 3)
    await database.read("ALTER TABLE gone RENAME TO versions")
    await put(store, "two", "apple")
    await eventually(lambda: store.held == 2)
    await store.close()
    await database.close()


async def test_a_full_disk_is_said_and_leaves_what_was_stored(tmp_path: Path) -> None:
    database = Database(tmp_path / "documents.db")
    store = EmbeddedStore(database)
    await store.prepare()
    await put(store, "one", "apple")
    await database.read("PRAGMA max_page_count = 12")
    with pytest.raises(Unavailable, match="full"):
        await put(store, "two", "pear" * 100_000)
    assert [document.name for document in await store.documents()] == ["one"]
    await database.close()


async def test_a_postgresql_that_is_away_is_unavailable_and_its_password_untold() -> None:
    store = PgvectorStore("postgresql://user:hunter2@127.0.0.1:1/db")
    with pytest.raises(Unavailable) as caught:
        await store.search("t", "c", "embedder", vectors("apple")[0], 3)
    assert "hunter2" not in str(caught.value)
    await store.close()


async def test_a_postgresql_without_tables_is_unavailable(postgres: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE DATABASE empty")
    await connection.close()
    store = PgvectorStore(postgres.replace("/postgres?", "/empty?"))
    with pytest.raises(Unavailable):
        await store.search("t", "c", "embedder", vectors("apple")[0], 3)
    await asyncio.gather(store.prepare(), PgvectorStore(store._dsn).prepare())
    assert await store.search("t", "c", "embedder", vectors("apple")[0], 3) == []
    await store.close()


async def test_a_postgresql_that_comes_back_is_used_again(postgres: str) -> None:
    import asyncpg

    store = PgvectorStore(postgres)
    await store.prepare()
    question = vectors("apple")[0]
    await store.search("t", "c", "embedder", question, 3)
    killer = await asyncpg.connect(postgres)
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    await killer.close()
    with suppress(Unavailable):
        await store.search("t", "c", "embedder", question, 3)
    await store.search("t", "c", "embedder", question, 3)
    await store.close()


async def test_a_search_that_is_given_up_frees_its_connection(postgres: str) -> None:
    import asyncpg

    store = PgvectorStore(postgres)
    await store.prepare()
    question = vectors("apple")[0]
    locker = await asyncpg.connect(postgres)
    transaction = locker.transaction()
    await transaction.start()
    await locker.execute("LOCK TABLE pilotlight_documents IN ACCESS EXCLUSIVE MODE")
    # More than the pool has connections.
    for _ in range(6):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await store.search("t", "c", "embedder", question, 3)
    await transaction.rollback()
    await locker.close()
    await store.search("t", "c", "embedder", question, 3)
    await store.close()
