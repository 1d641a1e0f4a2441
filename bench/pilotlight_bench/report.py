"""How figures look in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table as RichTable

from pilotlight_bench.result import Result


@dataclass(frozen=True, slots=True)
class Table:
    """Figures for people.

    Args:
        title: What is compared.
        columns: Headings; the first column is text, the others numbers.
        rows: Cells as shown.
        note: What a reader must know to read it right.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def publish(result: Result, tables: Sequence[Table], out: Path, as_json: bool) -> None:
    """Write the result's file, and print it: as JSON, or as tables ending in ``name=value``."""
    path = result.write(out)
    if as_json:
        typer.echo(result.to_json(), nl=False)
        return
    console = Console()
    for table in tables:
        console.print(rendered(table))
    typer.echo(f"written to {path}")
    for line in result.lines():
        typer.echo(line)


def rendered(table: Table) -> RichTable:
    """A table for a rich console."""
    shown = RichTable(title=table.title, caption=table.note or None, title_justify="left")
    for index, column in enumerate(table.columns):
        shown.add_column(column, justify="left" if index == 0 else "right")
    for row in table.rows:
        shown.add_row(*row)
    return shown
