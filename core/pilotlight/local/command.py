"""Run an InferenceService's programs on this machine, without a cluster.

Everything heavy is imported by the command that needs it.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

PROMPT = "What is the capital of France?"


@app.callback()
def local() -> None:
    """Run an InferenceService's programs on this machine, without a cluster."""


@app.command()
def up(
    file: Annotated[Path, typer.Argument(help="YAML with an InferenceService.")],
    name: Annotated[
        str | None, typer.Option(help="Which InferenceService, where there are several.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65434, help="Port; by default the container's.")
    ] = None,
    volume: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIR", help="The directory of a persistent volume claim."),
    ] = None,
    prompt: Annotated[str, typer.Option(help="What to ask the model once it is ready.")] = PROMPT,
    chat: Annotated[bool, typer.Option(help="Ask the model something.")] = True,
    once: Annotated[bool, typer.Option("--once", help="Stop after the answer.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that the start may take.")] = 600,
    knative: Annotated[
        bool, typer.Option("--knative", help="Set K_REVISION and its like, as Knative does.")
    ] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Show the programs' log lines.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Start an InferenceService's programs and serve until Ctrl-C.

    Arguments, environment and ports are those that the cluster would give them; a claim's files
    are taken from --volume, or from the volumes folder of Pilotlight's cache. A service that wants
    a key is asked with the one in the variable PILOTLIGHT_API_KEY.
    """
    import asyncio
    from tempfile import TemporaryDirectory

    from rich.console import Console

    from pilotlight.local.documents import read
    from pilotlight.local.plan import API_KEY, Wishes, plan
    from pilotlight.local.serving import Serving
    from pilotlight.local.session import Session
    from pilotlight.local.storage import Claims, parse_volumes
    from pilotlight.settings import CacheSettings

    cache = CacheSettings().directory
    console = Console(stderr=json)
    claims = Claims(parse_volumes(volume or []), cache / "volumes")
    key = os.environ.get(API_KEY)
    with TemporaryDirectory(prefix="pilotlight-") as scratch:
        wishes = Wishes(claims, os.environ, Path(scratch), name, port, knative)
        planned = plan(read(file), file, wishes)
        for note in planned.notes:
            console.print(f"note: {note}", markup=False, highlight=False)
        session = Session(planned, console, cache / "logs", logs, timeout, key)
        serving = Serving(console, prompt if chat else None, once, json)
        was_ready = asyncio.run(session.run(serving))
    if not was_ready:
        raise typer.Exit(130)


@app.command()
def model(
    force: Annotated[bool, typer.Option("--force", help="Make it anew.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prepare the small model of the examples: SmolLM2-135M-Instruct, 260 MB."""
    from json import dumps

    from rich.console import Console

    from pilotlight.local import smollm2
    from pilotlight.settings import CacheSettings

    console = Console(stderr=json)
    directory = smollm2.prepare(CacheSettings().directory / "volumes", console, force=force)
    if json:
        typer.echo(dumps({"model": str(directory)}))
    else:
        console.print(f"model: {directory}", markup=False, highlight=False, soft_wrap=True)
