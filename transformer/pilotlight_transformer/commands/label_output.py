"""What ``pilotlight labels list`` prints."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import typer
from rich.markup import escape
from rich.table import Table

from pilotlight.terminal.console import console
from pilotlight.terminal.numbers import NOTHING, ago
from pilotlight_transformer.feedback.store import Entry

Shown = Mapping[str, object]


def shown(entry: Entry) -> dict[str, object]:
    """A label without its texts: who may count labels may not read what people wrote."""
    answer, given = entry["answer"], entry["feedback"]
    return {
        "response_id": answer["response_id"],
        "tenant": answer["tenant"],
        "model": answer["model"],
        "revision": answer["revision"],
        "score": given.get("score"),
        "flagged": given.get("flag") not in {None, False},
        "corrected": "correction" in given,
        "with_text": "text" in entry,
        "flagged_at": given["at"],
    }


def _plain(cell: object) -> str:
    """Without what would move a terminal's cursor: a name may hold anything."""
    return escape("".join(char if char.isprintable() else "?" for char in str(cell)))


def table(labels: Sequence[Shown]) -> None:
    """One label a line."""
    if not labels:
        typer.echo("no labels: nobody has flagged or corrected an answer")
        return
    rows = Table(box=None, pad_edge=False)
    for title in ("RESPONSE", "TENANT", "REVISION", "SCORE", "FLAGGED", "CORRECTED", "TEXT", "AGE"):
        rows.add_column(title, overflow="fold")
    now = datetime.now(UTC)
    for label in labels:
        at = datetime.fromtimestamp(float(str(label["flagged_at"])), UTC)
        cells = [label["response_id"], label["tenant"], label["revision"], label["score"]]
        marks = [label["flagged"], label["corrected"], label["with_text"]]
        rows.add_row(
            *(NOTHING if cell is None else _plain(cell) for cell in cells),
            *("yes" if mark else "no" for mark in marks),
            ago(at, now),
        )
    console().print(rows)
