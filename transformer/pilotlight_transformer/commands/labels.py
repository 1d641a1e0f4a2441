"""Read the answers that people flagged or corrected, as lines for fine-tuning.

Everything heavy is imported by the command that needs it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from pilotlight.terminal.options import Json

app = typer.Typer(no_args_is_help=True)

Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="`stores.folder` of the pipeline's file, where the running servers write.",
        show_default="/tmp/pilotlight",  # noqa: S108  # the default of StoreSettings
    ),
]
Redis: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="PILOTLIGHT_REDIS_URL",
        show_envvar=True,
        help="`stores.redis` of the pipeline's file, if it names one.",
    ),
]
Reader: TypeAlias = Annotated[
    str, typer.Option(help="Each reader gets every label once; give each use its own name.")
]


class Format(StrEnum):
    """How labels are written."""

    JSONL = "jsonl"


@app.callback()
def labels() -> None:
    """The labelling queue of the transformer's step feedback."""


@app.command()
def export(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A new file; by default the standard output."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="One JSON object a line.")] = (
        Format.JSONL
    ),
    everything: Annotated[
        bool, typer.Option("--all", help="Also what the reader has got before; it stays there.")
    ] = False,
    corrected: Annotated[
        bool, typer.Option("--corrected", help="Only answers with a correction and a prompt.")
    ] = False,
    reader: Reader = "default",
    folder: Folder = None,
    redis: Redis = None,
    json: Json = False,
) -> None:
    """Write what is new since this reader's last export.

    A label is passed only when the lines are on disk, so an export that is stopped loses none. A
    label whose feedback was changed since comes again.
    """
    import sys
    from contextlib import closing
    from json import dumps

    from pilotlight.errors import UsageError
    from pilotlight_transformer.feedback.labels import Export, opened, write_lines

    if json and output is None:
        raise UsageError("--json tells what became of the file: give -o, too")
    with closing(opened(folder, redis)) as queue:
        start = "" if everything else queue.cursor(reader)
        made = Export(queue, start, corrected=corrected)
        if output is None:
            sys.stdout.buffer.writelines(made.lines())
            sys.stdout.buffer.flush()
        else:
            write_lines(made.lines(), output)
        if made.position != start and not everything:
            queue.advance(reader, made.position)
    if output is None:
        return
    number, file = made.written, str(output) if made.written else None
    told = f"{number} labels in {output}" if number else "nothing new: no file was written"
    typer.echo(dumps({"exported": number, "file": file}) if json else told)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="The newest ones.")] = 20,
    folder: Folder = None,
    redis: Redis = None,
    json: Json = False,
) -> None:
    """Show the newest labels, without their texts."""
    from collections import deque
    from contextlib import closing
    from json import dumps

    from pilotlight_transformer.commands.label_output import shown, table
    from pilotlight_transformer.feedback.labels import entries, opened

    with closing(opened(folder, redis)) as queue:
        newest = [shown(entry) for _, entry in deque(entries(queue, ""), maxlen=limit)]
    if json:
        typer.echo(dumps(newest, indent=2))
    else:
        table(newest)


@app.command()
def count(
    reader: Reader = "default",
    folder: Folder = None,
    redis: Redis = None,
    json: Json = False,
) -> None:
    """Count the labels, and those that a reader has not got yet."""
    from contextlib import closing
    from json import dumps

    from pilotlight_transformer.feedback.labels import entries, opened

    with closing(opened(folder, redis)) as queue:
        total = queue.count()
        new = sum(1 for _ in entries(queue, queue.cursor(reader)))
    typer.echo(dumps({"labels": total, "new": new}) if json else f"{total} labels, {new} new")
