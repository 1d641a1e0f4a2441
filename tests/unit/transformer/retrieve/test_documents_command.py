"""``pilotlight documents``: ingest, list and delete, against a real server of embeddings."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from pilotlight.cli import main
from pilotlight.clock import SystemClock
from pilotlight.errors import OperationError, Unavailable, UsageError
from pilotlight_transformer.commands.documents import app
from pilotlight_transformer.retrieval.chunking import estimate
from pilotlight_transformer.retrieval.embedded import EmbeddedStore
from pilotlight_transformer.retrieval.embedding import ChunkEmbedder
from pilotlight_transformer.retrieval.folder import read_folder
from pilotlight_transformer.retrieval.ingest import Ingest, Report
from pilotlight_transformer.retrieval.pgvector import PgvectorStore
from pilotlight_transformer.retrieval.settings import ChunkSettings
from pilotlight_transformer.stores.database import Database
from tests.unit.transformer.playing import Play, PlayedPredictor, a_chat, chat_answer
from tests.unit.transformer.retrieve.embeddings import EmbeddingServer, answer


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with three documents, and what is none."""
    folder = tmp_path / "pages"
    (folder / "more").mkdir(parents=True)
    (folder / "fruit.md").write_text("# All about fruit\n\nAn apple and a pear.\n")
    (folder / "car.txt").write_text("engine and wheel")
    (folder / "more" / "sky.md").write_text("moon and star")
    (folder / "photo.png").write_bytes(b"\x89PNG\0")
    (folder / "fake.txt").write_bytes(b"ab\0cd")
    (folder / "latin.txt").write_bytes(b"caf\xe9")
    (folder / ".hidden.md").write_text("hidden")
    (folder / "link.md").symlink_to("/etc/hostname")
    return folder


def pipeline(folder: Path, url: str | None = None, **more: Any) -> Path:
    """The YAML of a pipeline with the step."""
    settings = {"model": "embedder", **({"url": url} if url else {}), **more}
    file = folder / "pipeline.yaml"
    document = {"stores": {"folder": str(folder / "stores")}, "pipeline": [{"retrieve": settings}]}
    file.write_text(json.dumps(document))
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def as_json(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_folder_is_stored_and_only_changes_are_stored_again(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    file = pipeline(tmp_path, embedding_server.url)
    first = as_json("ingest", pages, "--pipeline", file)
    assert sorted(first["added"]) == ["car.txt", "fruit.md", "more/sky.md"]
    assert {skipped["name"] for skipped in first["skipped"]} == {
        "photo.png",
        "fake.txt",
        "latin.txt",
        "link.md",
    }
    assert embedding_server.requests == 1
    embedding_server.texts.clear()
    second = as_json("ingest", pages, "--pipeline", file)
    assert len(second["unchanged"]) == 3
    assert embedding_server.texts == []
    (pages / "car.txt").write_text("engine and river")
    assert as_json("ingest", pages, "--pipeline", file)["changed"] == ["car.txt"]
    assert embedding_server.texts == ["engine and river"]
    listed = as_json("list", "--pipeline", file)
    assert [(one["name"], one["title"], one["tenant"]) for one in listed] == [
        ("car.txt", "car", None),
        ("fruit.md", "All about fruit", None),
        ("more/sky.md", "sky", None),
    ]
    shown = run("list", "--pipeline", file).stdout
    assert "(shared)  default  fruit.md  1 chunks  embedder" in shown


def test_what_is_left_out_is_said(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    result = run("ingest", pages, "--pipeline", pipeline(tmp_path, embedding_server.url))
    assert result.exit_code == 0
    assert "skipped fake.txt: binary" in result.output
    assert "3 added, 0 changed, 0 unchanged, 0 deleted, 4 skipped" in result.output
    (pages / os.fsdecode(b"odd\xff.txt")).write_text("apple")
    assert run("ingest", pages, "--pipeline", tmp_path / "pipeline.yaml").exit_code == 1


def test_vanished_documents_go_with_prune_only(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    file = pipeline(tmp_path, embedding_server.url)
    as_json("ingest", pages, "--pipeline", file, "--tenant", "a")
    as_json("ingest", pages, "--pipeline", file, "--tenant", "b")
    (pages / "car.txt").unlink()
    assert as_json("ingest", pages, "--pipeline", file, "--tenant", "a")["deleted"] == []
    pruned = as_json("ingest", pages, "--pipeline", file, "--tenant", "a", "--prune")
    assert pruned["deleted"] == ["car.txt"]
    assert len(as_json("list", "--pipeline", file, "--tenant", "a")) == 2
    assert len(as_json("list", "--pipeline", file, "--tenant", "b")) == 3
    empty = tmp_path / "empty"
    empty.mkdir()
    refused = run("ingest", empty, "--pipeline", file, "--tenant", "a", "--prune")
    assert isinstance(refused.exception, UsageError)
    assert len(as_json("list", "--pipeline", file, "--tenant", "a")) == 2


def test_documents_are_deleted_by_name_or_all(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    file = pipeline(tmp_path, embedding_server.url)
    as_json("ingest", pages, "--pipeline", file)
    result = run("delete", "car.txt", "nothing.md", "--pipeline", file, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"deleted": ["car.txt"], "missing": ["nothing.md"]}
    assert isinstance(run("delete", "--pipeline", file).exception, UsageError)
    assert run("delete", "--tenant", "a", "--all", "--pipeline", file).exit_code == 0
    assert len(as_json("list", "--pipeline", file)) == 2
    assert len(as_json("delete", "--all", "--pipeline", file)["deleted"]) == 2
    assert "pilotlight documents ingest" in run("list", "--pipeline", file).stdout


def test_without_a_model_or_a_folder_it_says_so(tmp_path: Path) -> None:
    assert "--model and --predictor" in str(run("ingest", tmp_path).exception)
    nowhere = ("ingest", tmp_path / "nowhere", "--model", "m", "--predictor", "http://127.0.0.1:1")
    result = run(*nowhere, "--pipeline", pipeline(tmp_path))
    assert isinstance(result.exception, UsageError)
    assert "neither a file nor a folder" in str(result.exception)


def test_an_empty_tenant_is_refused_and_not_everybody(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    file = pipeline(tmp_path, embedding_server.url)
    for command in (["ingest", pages], ["delete", "--all"], ["list"]):
        result = run(*command, "--tenant", "", "--pipeline", file)
        assert isinstance(result.exception, UsageError)
    assert as_json("list", "--pipeline", file) == []


def test_exit_codes_tell_a_wrong_call_from_a_failure(
    tmp_path: Path, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def code(*arguments: object) -> object:
        monkeypatch.setattr(sys, "argv", ["pilotlight", "documents", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        return exited.value.code

    monkeypatch.setattr("pilotlight_transformer.retrieval.embedding.ATTEMPTS", 1)
    file = pipeline(tmp_path, "http://127.0.0.1:1")
    assert code("ingest", pages, "--pipeline", file) == 1
    assert code("ingest", tmp_path / "nowhere", "--pipeline", file) == 2
    assert code("ingest", pages, "--pipeline", tmp_path / "nowhere.yaml") == 2
    assert code("delete", "nothing.md", "--pipeline", file) == 1


async def test_what_was_stored_is_found_by_the_step(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    file = pipeline(tmp_path, embedding_server.url)
    await asyncio.to_thread(as_json, "ingest", pages, "--pipeline", file, "--tenant", "anonymous")
    predictor = PlayedPredictor(lambda _: chat_answer("hi"), lambda _, asked: answer(asked))
    async with Play("- retrieve: {model: embedder, top_k: 1}", tmp_path / "stores", predictor) as p:
        client = await p.ask(a_chat("Where is the moon?"))
    assert client.document["citations"][0]["document"] == "more/sky.md"


async def test_it_is_stored_in_postgresql_if_the_pipeline_says_so(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer, postgres: str
) -> None:
    file = pipeline(tmp_path, embedding_server.url, store="pgvector", dsn=postgres)
    ingested = await asyncio.to_thread(as_json, "ingest", pages, "--pipeline", file)
    assert len(ingested["added"]) == 3
    store = PgvectorStore(postgres)
    assert len(await store.documents()) == 3
    await store.close()
    predictor = PlayedPredictor(lambda _: chat_answer("hi"), lambda _, asked: answer(asked))
    settings = f"{{model: embedder, store: pgvector, dsn: {json.dumps(postgres)}}}"
    async with Play(f"- retrieve: {settings}", tmp_path, predictor) as play:
        client = await play.ask(a_chat("Where is the moon?"))
    assert client.document["citations"][0]["document"] == "more/sky.md"


# Faults


async def ingest(
    folder: Path, pages: Path, url: str, *, pages_at_most: int | None = None
) -> Report:
    """Without the command line, and without its patience."""
    database = Database(folder / "documents.db")
    if pages_at_most is not None:
        await database.read(f"PRAGMA max_page_count = {pages_at_most}")
    try:
        async with httpx.AsyncClient() as client:
            work = Ingest(
                store=EmbeddedStore(database),
                embedder=ChunkEmbedder(client, url, "embedder", backoff_s=0.001),
                clock=SystemClock(),
                tenant="",
                collection="default",
                model="embedder",
                chunks=ChunkSettings(tokens=64, overlap=0),
                count=estimate,
            )
            return await work.run(read_folder(pages))
    finally:
        await database.close()


async def test_a_busy_server_is_asked_again(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    embedding_server.statuses = [503, 429, 500]
    report = await ingest(tmp_path, pages, embedding_server.url)
    assert len(report.added) == 3
    assert embedding_server.requests == 4


async def test_a_server_that_stays_away_or_refuses_is_an_error_that_says_what_to_do(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    with pytest.raises(OperationError, match="run the same command again"):
        await ingest(tmp_path, pages, "http://127.0.0.1:1")
    embedding_server.statuses = [404]
    with pytest.raises(OperationError, match="name of an embedding model"):
        await ingest(tmp_path, pages, embedding_server.url)
    assert embedding_server.requests == 1


async def test_a_full_disk_is_said_and_the_next_run_goes_on(
    tmp_path: Path, pages: Path, embedding_server: EmbeddingServer
) -> None:
    (pages / "long.txt").write_text("The river flows into the sea. " * 2000)
    with pytest.raises(Unavailable, match="full"):
        await ingest(tmp_path, pages, embedding_server.url, pages_at_most=14)
    report = await ingest(tmp_path, pages, embedding_server.url)
    assert report.unchanged
    assert "long.txt" in report.added


def test_a_run_that_was_killed_goes_on_where_it_was(
    tmp_path: Path, embedding_server: EmbeddingServer
) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_text(f"The apple of number {number}. " * 400)
    file = pipeline(tmp_path, embedding_server.url, chunks={"tokens": 64, "overlap": 0})
    embedding_server.blocks_after = 5
    code = "from pilotlight.cli import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "documents", "ingest", str(folder), "--pipeline", str(file)],
        stdout=subprocess.DEVNULL,
    )
    try:
        assert embedding_server.blocked.wait(60)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    stored = {one["name"] for one in as_json("list", "--pipeline", file)}
    assert 0 < len(stored) < 4
    embedding_server.blocks_after = None
    embedding_server.texts.clear()
    report = as_json("ingest", folder, "--pipeline", file)
    assert set(report["unchanged"]) == stored
    assert set(report["added"]) == {f"{number}.txt" for number in range(4)} - stored
    assert not any(
        f"number {name[0]}." in text for name in stored for text in embedding_server.texts
    )
    assert len(as_json("list", "--pipeline", file)) == 4
