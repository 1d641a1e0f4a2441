"""``pilotlight warmpool failsafe``."""

from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig
from pilotlight_autoscaler.commands.lease import LeaseName


def failsafe(
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Whose pools; may be repeated. Default: all."),
    ] = None,
    lease_namespace: Annotated[
        str | None,
        typer.Option(
            envvar="PILOTLIGHT_WARMPOOL_LEASE_NAMESPACE",
            help="Of the controller's Lease. By default the context's or the pod's own.",
        ),
    ] = None,
    lease_name: LeaseName = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Give pools that the controller has left alone for too long their safe floor.

    Run by a CronJob. With a controller that lives it changes nothing.
    """
    import json as jsons
    from dataclasses import asdict

    from pilotlight.errors import OperationError
    from pilotlight.kube.document import Reference
    from pilotlight.kube.kinds import LEASE as KIND
    from pilotlight.terminal.numbers import span
    from pilotlight.terminal.options import opened
    from pilotlight_autoscaler.controller.settings import LEASE
    from pilotlight_autoscaler.rescue import FailSafe

    with opened(kubeconfig, context, None) as (cluster, home):
        lease = Reference(KIND, lease_name or LEASE, lease_namespace or home)
        report = FailSafe(cluster, lease).run(namespace or ())
    if json:
        typer.echo(jsons.dumps(asdict(report), indent=2))
    else:
        alive = (
            "there is no Lease of a controller"
            if report.lease_age_s is None
            else f"the controller's last sign of life was {span(report.lease_age_s)} ago"
        )
        typer.echo(f"{alive}; {len(report.rescued)} of {report.pools} pools left alone")
        for one in report.rescued:
            typer.echo(f"{one.pool}: {'now ' if one.changed else ''}{one.floor} ({one.message})")
    if report.faults:
        raise OperationError("; ".join(report.faults))
