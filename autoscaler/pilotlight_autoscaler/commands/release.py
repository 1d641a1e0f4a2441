"""``pilotlight warmpool release``."""

from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig
from pilotlight_autoscaler.commands.lease import LeaseName

ALIVE_S = 60.0
"""Of the Lease's age; a controller renews it every few seconds."""


def release(
    lease_namespace: Annotated[
        str, typer.Option(help="Of the controller's Lease.")
    ] = "pilotlight-system",
    lease_name: LeaseName = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Give back what pools still hold after their controller was removed.

    The pools stay, and nothing keeps them from being deleted any more.
    """
    import json as jsons

    from pilotlight.clock import SystemClock
    from pilotlight.errors import UsageError
    from pilotlight.kube.document import Reference
    from pilotlight.kube.kinds import LEASE as KIND
    from pilotlight.terminal.numbers import span
    from pilotlight.terminal.options import opened
    from pilotlight_autoscaler.controller.settings import LEASE
    from pilotlight_autoscaler.kserve.act import all_targets
    from pilotlight_autoscaler.kserve.pools import release_all
    from pilotlight_autoscaler.rescue import last_sign

    clock = SystemClock()
    with opened(kubeconfig, context, None) as (cluster, _):
        sign = last_sign(cluster, Reference(KIND, lease_name or LEASE, lease_namespace), clock)
        if sign and sign.holder and sign.age_s < ALIVE_S:
            raise UsageError(
                f"the controller lives (it renewed its Lease {span(max(sign.age_s, 0.0))} ago) and "
                "would hold everything again; it gives back by itself what deleted pools hold: "
                "kubectl delete warmpools --all --all-namespaces"
            )
        namespaces = release_all(cluster, all_targets(cluster, clock))
    if json:
        typer.echo(jsons.dumps({"namespaces": list(namespaces)}))
    else:
        where = f"in {', '.join(namespaces)}" if namespaces else "anywhere: there are no pools"
        typer.echo(f"nothing is held any more {where}")
