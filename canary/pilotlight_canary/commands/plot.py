"""``pilotlight rollout plot``."""

from pathlib import Path
from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig, Namespace, opened
from pilotlight_canary.commands.options import Name


def plot(
    name: Name,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A picture (.png, .svg, .pdf); without it, text."),
    ] = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Draw the course of the last rollout, also while it runs: weights, evidence, decision."""
    from pilotlight_canary.view.keeping import timeline

    if output is not None:
        from pilotlight.terminal.pictures import refuse_format

        refuse_format(output)
    with opened(kubeconfig, context, namespace) as (cluster, home):
        found = timeline(cluster, name, home)
    if json:
        typer.echo(found.model_dump_json(by_alias=True, indent=2))
    if output is not None:
        from pilotlight_canary.view.figure import save

        save(found, output)
        if not json:
            typer.echo(f"wrote {output}")
    elif not json:
        from pilotlight.terminal.console import console
        from pilotlight_canary.view.chart import chart

        console().print(chart(found))
