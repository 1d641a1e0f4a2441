"""``pilotlight warmpool demo``."""

from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Kubeconfig


def demo(
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Made for it, and taken away at the end.")
    ] = "warmpool-demo",
    gateway: Annotated[
        str, typer.Option(help="Where requests enter; by default Kourier's address.")
    ] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything as it is.")] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Watch a service asleep, woken ahead of its traffic, and the bill, beside one that is not.

    Needs a checkout, a cluster with KServe on Knative and Pilotlight's controllers, and about
    four minutes.
    """
    from pilotlight.api.present import installed
    from pilotlight.demo.standin import checkout
    from pilotlight.kube.access import connect
    from pilotlight.kube.kinds import WARM_POOL
    from pilotlight.terminal.console import console
    from pilotlight_autoscaler.demo.play import play
    from pilotlight_autoscaler.demo.story import Story

    checkout()
    with connect(kubeconfig, context) as cluster:
        installed(cluster, WARM_POOL)
        play(Story(cluster, namespace, gateway), console(), keep=keep)
