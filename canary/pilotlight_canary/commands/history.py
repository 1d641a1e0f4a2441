"""``pilotlight rollout history``."""

import json as jsonlib

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig, Namespace, opened
from pilotlight_canary.commands.options import Name


def history(
    name: Name,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """What became of earlier versions, the newest first."""
    from pilotlight.clock import utc_now
    from pilotlight.terminal.console import console
    from pilotlight_canary.view.listing import history as table
    from pilotlight_canary.view.observer import parse, read

    with opened(kubeconfig, context, namespace) as (cluster, home):
        past = parse(read(cluster, name, home)).status.history
    if json:
        entries = [one.model_dump(mode="json", by_alias=True) for one in past]
        typer.echo(jsonlib.dumps(entries, indent=2, ensure_ascii=False))
    elif past:
        console().print(table(past, utc_now()))
    else:
        typer.echo(f"nothing was rolled out yet by {name}")
