"""What ``pilotlight keys`` prints."""

import json
from collections.abc import Sequence
from datetime import datetime

import typer
from rich.markup import escape
from rich.table import Table

from pilotlight.terminal.console import console
from pilotlight.terminal.numbers import NOTHING, ago
from pilotlight_transformer.auth.api_keys import ApiKey
from pilotlight_transformer.auth.key_file import key_file_text


def as_json(document: object) -> str:
    """For programs."""
    return json.dumps(document, indent=2)


def listed(key: ApiKey, now: datetime) -> dict[str, object]:
    """A key in a list: without its hash."""
    return {**key.model_dump(mode="json", exclude={"sha256"}), "state": key.state(now)}


def show_created(key: str, stored: ApiKey, *, whole: bool) -> None:
    """The key, alone on the standard output; what else is to be known beside it.

    Args:
        whole: Print also what a file of keys needs, as YAML.
    """
    typer.echo(
        f"{stored.id} of {stored.tenant}, for {' '.join(stored.scopes)}. This is the only time "
        "that its key is shown:",
        err=True,
    )
    typer.echo(key)
    if whole:
        typer.echo(key_file_text((stored,)).rstrip("\n"))


def show_list(keys: Sequence[ApiKey], now: datetime) -> None:
    """One key a line."""
    if not keys:
        typer.echo("no keys: make one with `pilotlight keys create`")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("ID", "TENANT", "NAME", "SCOPES", "CREATED", "EXPIRES", "STATE"):
        table.add_column(title, overflow="fold")
    for key in keys:
        expires = NOTHING if key.expires is None else f"{key.expires:%Y-%m-%d %H:%M}Z"
        table.add_row(
            key.id,
            escape(key.tenant),
            escape(key.name),
            escape(" ".join(key.scopes)),
            ago(key.created, now),
            expires,
            key.state(now),
        )
    console().print(table)
