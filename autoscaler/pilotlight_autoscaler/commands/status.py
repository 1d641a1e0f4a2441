"""``pilotlight warmpool status``, ``list`` and ``explain``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig, Namespace, opened

if TYPE_CHECKING:
    from pilotlight.api.warmpool import WarmPool

Name: TypeAlias = Annotated[str, typer.Argument(help="Of the WarmPool.")]


def status(
    name: Name,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """What a warm pool holds, why, and what it costs."""
    from pilotlight.clock import utc_now
    from pilotlight.terminal.console import console
    from pilotlight_autoscaler.view.pool import render

    pool = _one(name, namespace, kubeconfig, context)
    if json:
        typer.echo(pool.model_dump_json(by_alias=True, indent=2, exclude_none=True))
    else:
        console().print(render(pool, utc_now()))


def explain(
    name: Name,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Why a warm pool holds what it holds: every term, its bounds, and what comes next."""
    from pilotlight.clock import utc_now
    from pilotlight.terminal.console import console
    from pilotlight_autoscaler.view.pool import explanation

    console().print(explanation(_one(name, namespace, kubeconfig, context), utc_now()))


def list_(
    namespace: Namespace = None,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")
    ] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """All warm pools, one a line."""
    import json as jsons

    from pilotlight.api.present import all_of
    from pilotlight.api.stored import understood
    from pilotlight.api.warmpool import WarmPool
    from pilotlight.kube.kinds import WARM_POOL
    from pilotlight.terminal.console import console
    from pilotlight_autoscaler.view.listing import listing

    with opened(kubeconfig, context, namespace) as (cluster, home):
        documents = all_of(cluster, WARM_POOL, None if everywhere else home)
    pools = [understood(WarmPool, document) for document in documents]
    pools.sort(key=lambda pool: (pool.metadata.namespace, pool.metadata.name))
    if json:
        told = [pool.model_dump(mode="json", by_alias=True, exclude_none=True) for pool in pools]
        typer.echo(jsons.dumps(told, indent=2))
    elif pools:
        console().print(listing(pools, namespaces=everywhere))
    else:
        typer.echo(f"no WarmPool in {'the cluster' if everywhere else f'namespace {home}'}")


def _one(
    name: str, namespace: str | None, kubeconfig: Path | None, context: str | None
) -> "WarmPool":
    from pilotlight.api.present import one_of
    from pilotlight.api.stored import understood
    from pilotlight.api.warmpool import WarmPool
    from pilotlight.kube.kinds import WARM_POOL

    with opened(kubeconfig, context, namespace) as (cluster, home):
        document = one_of(cluster, WARM_POOL, name, home, "pilotlight warmpool list -A")
    return understood(WarmPool, document)
