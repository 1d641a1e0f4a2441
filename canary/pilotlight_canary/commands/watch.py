"""``pilotlight rollout watch``."""

from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig, Namespace, opened
from pilotlight_canary.commands.options import Name


def watch(
    name: Name,
    namespace: Namespace = None,
    until_done: Annotated[
        bool,
        typer.Option(
            "--until-done",
            help="End with the rollout: exit code 0 if it was promoted, 1 if it was taken back.",
        ),
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which to end with exit code 1.")
    ] = None,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 1,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Look on while a rollout goes its way.

    At a terminal it is a picture that changes; elsewhere, and with --json, a line for each change.
    Ctrl-C ends the looking, not the rollout.
    """
    from pilotlight.clock import utc_now
    from pilotlight.terminal.console import console
    from pilotlight_canary.view.observer import Observer
    from pilotlight_canary.view.watching import Watching, screen

    with opened(kubeconfig, context, namespace) as (cluster, home):
        observer = Observer(cluster, name, home, utc_now)
        with screen(console(), json=json) as show:
            promoted = Watching(observer, show, interval, timeout).run(until_done=until_done)
    if until_done and not promoted:
        raise typer.Exit(1)
