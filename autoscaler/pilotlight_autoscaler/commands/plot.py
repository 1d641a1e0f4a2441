"""``pilotlight warmpool plot``."""

from pathlib import Path
from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Kubeconfig, Namespace, opened


def plot(
    name: Annotated[str, typer.Argument(help="Of the WarmPool.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .png, .svg or .pdf; by default NAME.png."),
    ] = None,
    prometheus: Annotated[
        str, typer.Option(help="That remembers the past; by default the pool's metricsServer.")
    ] = "",
    hours: Annotated[float, typer.Option(min=1, max=168, help="How far to look ahead.")] = 24.0,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Draw what came to a pool's service, and what the pool would hold if nobody came."""
    import time

    from pilotlight.api.present import one_of
    from pilotlight.api.stored import understood
    from pilotlight.api.warmpool import WarmPool
    from pilotlight.kube.kinds import WARM_POOL
    from pilotlight.terminal.pictures import refuse_format
    from pilotlight_autoscaler.simulation.remembered import remembered
    from pilotlight_autoscaler.view.figure import save
    from pilotlight_autoscaler.view.outlook import outlook

    file = output or Path(f"{name}.png")
    refuse_format(file)
    now_s = time.time()
    with opened(kubeconfig, context, namespace) as (cluster, home):
        document = one_of(cluster, WARM_POOL, name, home, "pilotlight warmpool list -A")
        pool = understood(WarmPool, document)
        known = remembered(cluster, pool, prometheus, 14.0, now_s)
    save(pool, known.demand, outlook(pool, known.demand, known.target, now_s, hours), file)
    typer.echo(f"wrote {file}")
