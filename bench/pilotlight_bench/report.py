"""How figures look in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table as RichTable

from pilotlight_bench.result import Result

_FILE_WIDTH = 120


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

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells in {len(self.columns)} columns: {row}")


def publish(result: Result, tables: Sequence[Table], out: Path, as_json: bool) -> None:
    """Write the result's file, and print it: as JSON, or as tables ending in ``name=value``."""
    path = result.write(out)
    if as_json:
        typer.echo(result.to_json(), nl=False)
        return
    console = Console()
    if not console.is_terminal:
        # Without a terminal rich assumes 80 columns, and cuts what does not fit.
        console = Console(width=_FILE_WIDTH)
    for table in tables:
        console.print(f"\n{table.title}", rendered(table), table.note or "", sep="\n")
    typer.echo(f"written to {path}")
    for line in result.lines():
        typer.echo(line)


def rendered(table: Table) -> RichTable:
    """A table for a rich console."""
    shown = RichTable()
    for index, column in enumerate(table.columns):
        shown.add_column(column, justify="left" if index == 0 else "right", no_wrap=index == 0)
    for row in table.rows:
        shown.add_row(*row)
    return shown
