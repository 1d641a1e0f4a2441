"""Make, revoke and list the API keys of the transformer."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from pilotlight.terminal.options import Json

app = typer.Typer(no_args_is_help=True)

Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="`stores.folder` of the pipeline's file, where the running servers look.",
        show_default="/tmp/pilotlight",  # noqa: S108  # the default of StoreSettings
    ),
]
File: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="A file of hashed keys (`keys_file`) instead of the database."),
]


@app.callback()
def keys() -> None:
    """API keys of the transformer's step auth, stored as hashes."""


@app.command()
def create(
    tenant: Annotated[str, typer.Option(help="To whom its limits, cache and documents belong.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="route:model, with * for any text; again for more.", show_default="*:*"),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="After 12h or 90d, or at a date such as 2030-01-31.")
    ] = None,
    folder: Folder = None,
    file: File = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Store it nowhere; print what a file of keys needs.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a key. It is shown now and never again."""
    from pilotlight.clock import utc_now
    from pilotlight.errors import UsageError
    from pilotlight_transformer.commands.key_output import as_json, show_created
    from pilotlight_transformer.commands.key_stores import make_key, opened, validity

    if only_print and (folder or file):
        raise UsageError("--print stores the key nowhere: leave --folder and --file out")
    now = utc_now()
    ends = None if expires is None else validity(expires, now)
    store = None if only_print else opened(folder, file, writes=True)
    key, stored = make_key(store, tenant, name, tuple(scope or ("*:*",)), now, ends)
    if json:
        typer.echo(as_json({"key": key, **stored.model_dump(mode="json")}))
    else:
        show_created(key, stored, whole=only_print)


@app.command()
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `pilotlight keys list` shows it.")
    ],
    folder: Folder = None,
    file: File = None,
    json: Json = False,
) -> None:
    """Take a key back. Running servers refuse it within seconds."""
    from pilotlight.clock import utc_now
    from pilotlight.errors import OperationError
    from pilotlight_transformer.commands.key_output import as_json
    from pilotlight_transformer.commands.key_stores import opened

    store = opened(folder, file)
    if not store.revoke(key_id, utc_now()):
        raise OperationError(
            f"there is no key {key_id} in {store.place}: see `pilotlight keys list`"
        )
    typer.echo(as_json({"id": key_id, "revoked": True}) if json else f"{key_id} is revoked")


@app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Of this one only.")] = None,
    folder: Folder = None,
    file: File = None,
    json: Json = False,
) -> None:
    """All keys, without what would let anybody use them."""
    from pilotlight.clock import utc_now
    from pilotlight_transformer.commands.key_output import as_json, listed, show_list
    from pilotlight_transformer.commands.key_stores import opened

    found = opened(folder, file).all(tenant)
    if json:
        typer.echo(as_json([listed(key, utc_now()) for key in found]))
    else:
        show_list(found, utc_now())
