"""``pilotlight rollout status`` and ``list``."""

from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig, Namespace, opened
from pilotlight_canary.commands.options import Name


def status(
    name: Name,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Where a rollout stands, why, and on what evidence."""
    from pilotlight.clock import utc_now
    from pilotlight.terminal.console import console
    from pilotlight_canary.view.observer import Observer
    from pilotlight_canary.view.report import as_json
    from pilotlight_canary.view.status import render

    with opened(kubeconfig, context, namespace) as (cluster, home):
        seen = Observer(cluster, name, home, utc_now).look()
    if json:
        typer.echo(as_json(seen))
    else:
        console().print(render(seen))


def list_(
    namespace: Namespace = None,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")
    ] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """All rollouts, one a line."""

    from pilotlight.clock import utc_now
    from pilotlight.terminal.console import console
    from pilotlight_canary.view.listing import listing
    from pilotlight_canary.view.observer import parse, rollouts
    from pilotlight_canary.view.report import rollouts_as_json

    with opened(kubeconfig, context, namespace) as (cluster, home):
        where = None if everywhere else home
        found = [parse(document) for document in rollouts(cluster, where)]
    found.sort(key=lambda rollout: (rollout.metadata.namespace, rollout.metadata.name))
    if json:
        typer.echo(rollouts_as_json(found))
    elif found:
        console().print(listing(found, utc_now(), namespaces=everywhere))
    else:
        place = "the cluster" if everywhere else f"namespace {home}"
        typer.echo(f"no InferenceRollout in {place}")
