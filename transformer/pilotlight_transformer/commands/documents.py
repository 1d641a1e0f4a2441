"""``pilotlight documents``: what the step ``retrieve`` finds.

Documents belong to a tenant, or are shared by all.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import httpx
import typer

from pilotlight.clock import SystemClock
from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.configuration import Configuration, read_configuration
from pilotlight_transformer.retrieval.chunking import counter
from pilotlight_transformer.retrieval.document import SHARED, Document
from pilotlight_transformer.retrieval.embedded import NAME, EmbeddedStore
from pilotlight_transformer.retrieval.embedding import ChunkEmbedder
from pilotlight_transformer.retrieval.folder import read_folder
from pilotlight_transformer.retrieval.ingest import Ingest, Report
from pilotlight_transformer.retrieval.pgvector import PgvectorStore
from pilotlight_transformer.retrieval.settings import ChunkSettings, RetrieveSettings
from pilotlight_transformer.retrieval.store import DocumentStore
from pilotlight_transformer.stores.stores import Stores

T = TypeVar("T")

EMBED_S = 120.0
"""How long one batch may take."""

app = typer.Typer(no_args_is_help=True)

Pipeline = Annotated[
    Path | None,
    typer.Option("--pipeline", help="YAML of the pipeline: its stores and its step retrieve."),
]


def _named(tenant: str | None) -> str | None:
    # An empty variable of a script must not make a tenant's documents everybody's.
    if tenant == SHARED:
        raise UsageError("--tenant is empty: name a tenant, or leave it out for shared documents")
    return tenant


Tenant = Annotated[
    str | None,
    typer.Option("--tenant", callback=_named, help="Whose documents; without it: shared by all."),
]
Collection = Annotated[
    str | None, typer.Option("--collection", help="Default: the step's, or `default`.")
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback()
def documents() -> None:
    """Documents that answers draw on."""


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(help="A folder of text and Markdown files, or one file.")],
    tenant: Tenant = None,
    collection: Collection = None,
    pipeline: Pipeline = None,
    predictor: Annotated[
        str | None,
        typer.Option("--predictor", help="URL of the embedding model's server; else the step's."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The embedding model; else the step's.")
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what the collection holds beyond the folder.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Store a folder's documents: only what is new or has changed.

    A run that was interrupted goes on where it was when it is started again.
    """
    configuration = read_configuration(pipeline)
    step = _step(configuration)
    model = model or (step.model if step else None)
    url = predictor or (step.url if step else None)
    if model is None or url is None:
        raise UsageError(
            "name the embedding model and its server: --model and --predictor, or a step retrieve "
            "with `model` and `url` in --pipeline"
        )
    chunks = step.chunks if step else ChunkSettings()

    async def run(store: DocumentStore) -> Report:
        async with httpx.AsyncClient(timeout=EMBED_S) as client:
            work = Ingest(
                store=store,
                embedder=ChunkEmbedder(client, url, model),
                clock=SystemClock(),
                tenant=tenant or SHARED,
                collection=_collection(collection, step),
                model=model,
                chunks=chunks,
                count=counter(chunks.tokenizer),
                told=lambda name: None if as_json else typer.echo(f"stored {_shown(name)}"),
            )
            return await work.run(read_folder(path), prune=prune)

    report = _with_store(configuration, step, run)
    _show_report(report, as_json=as_json)
    if report.broken:
        raise typer.Exit(1)


@app.command("list")
def list_(
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", callback=_named, help="Only this tenant's; without it: all."),
    ] = None,
    collection: Annotated[str | None, typer.Option("--collection", help="Only this one.")] = None,
    pipeline: Pipeline = None,
    as_json: Json = False,
) -> None:
    """List what is stored, shared documents and all tenants'."""
    configuration = read_configuration(pipeline)

    async def run(store: DocumentStore) -> list[Document]:
        await store.prepare()
        return await store.documents(tenant, collection)

    found = _with_store(configuration, _step(configuration), run)
    if as_json:
        typer.echo(json.dumps([_plain(document) for document in found], indent=2))
    elif not found:
        typer.echo("no documents: store some with `pilotlight documents ingest`")
    for document in () if as_json else found:
        stored = datetime.fromtimestamp(document.stored_at, UTC)
        typer.echo(
            f"{_owner(document.tenant)}  {document.collection}  {_shown(document.name)}  "
            f"{document.chunks} chunks  {document.model}  {stored:%Y-%m-%d %H:%M}Z"
        )


@app.command()
def delete(
    names: Annotated[list[str] | None, typer.Argument(help="As `list` shows them.")] = None,
    tenant: Tenant = None,
    collection: Collection = None,
    pipeline: Pipeline = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of the tenant's collection.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete documents. Running servers forget them within the step's `refresh_s`."""
    if bool(names) == everything:
        raise UsageError("name the documents to delete, or give --all")
    configuration = read_configuration(pipeline)
    step = _step(configuration)
    owner, place = tenant or SHARED, _collection(collection, step)

    async def run(store: DocumentStore) -> tuple[list[str], list[str]]:
        await store.prepare()
        known = {document.name for document in await store.documents(owner, place)}
        wanted = known if everything else set(names or ())
        if known & wanted:
            await store.delete(owner, place, sorted(known & wanted))
        return sorted(known & wanted), sorted(wanted - known)

    deleted, missing = _with_store(configuration, step, run)
    if as_json:
        typer.echo(json.dumps({"deleted": deleted, "missing": missing}, indent=2))
    else:
        typer.echo(f"{len(deleted)} deleted")
        for name in missing:
            typer.echo(f"not there: {name}", err=True)
    if missing:
        raise typer.Exit(1)


def _step(configuration: Configuration) -> RetrieveSettings | None:
    """The settings of the pipeline's step retrieve, if there is one."""
    found = (choice.settings for choice in configuration.steps)
    return next((settings for settings in found if isinstance(settings, RetrieveSettings)), None)


def _collection(named: str | None, step: RetrieveSettings | None) -> str:
    return named or (step.collection if step else "default")


def _with_store(
    configuration: Configuration,
    step: RetrieveSettings | None,
    work: Callable[[DocumentStore], Awaitable[T]],
) -> T:
    """Run ``work`` on the store that the pipeline's servers use."""

    async def run() -> T:
        stores = Stores(configuration.stores)
        store: DocumentStore
        if step is not None and step.store == "pgvector" and step.dsn is not None:
            store = PgvectorStore(step.dsn.get_secret_value())
        else:
            store = EmbeddedStore(stores.database(NAME))
        try:
            return await work(store)
        finally:
            await store.close()
            await stores.close()

    return asyncio.run(run())


def _owner(tenant: str) -> str:
    return tenant if tenant != SHARED else "(shared)"


def _shown(name: str) -> str:
    """A name that moves no cursor: files may have any."""
    return name if name.isprintable() else repr(name)


def _plain(document: Document) -> dict[str, object]:
    return {**asdict(document), "tenant": document.tenant or None}


def _show_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2))
        return
    for skipped in report.skipped:
        typer.echo(f"skipped {_shown(skipped.name)}: {skipped.why}", err=skipped.broken)
    typer.echo(
        f"{len(report.added)} added, {len(report.changed)} changed, "
        f"{len(report.unchanged)} unchanged, {len(report.deleted)} deleted, "
        f"{len(report.skipped)} skipped; {report.chunks} chunks embedded"
    )
