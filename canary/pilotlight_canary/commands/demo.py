"""``pilotlight rollout demo``."""

from pathlib import Path
from typing import Annotated

import typer

from pilotlight.terminal.options import Context, Kubeconfig

CHOICES = ("errors", "slow")


def demo(
    bad: Annotated[
        str,
        typer.Option(
            help="How the bad version is bad: errors, or slow.", metavar="|".join(CHOICES)
        ),
    ] = "errors",
    rate: Annotated[float, typer.Option(min=1, help="Requests a second.")] = 30,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Made for it, and taken away at the end.")
    ] = "canary-demo",
    gateway: Annotated[
        str, typer.Option(help="Where requests enter; by default Kourier's address.")
    ] = "",
    prometheus: Annotated[
        str, typer.Option(help="Where figures come from; by default the pods are asked.")
    ] = "",
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for a picture of each rollout.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything as it is.")] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Watch a good version being promoted and a bad one being taken back, under load.

    Needs a checkout, a cluster with KServe on Knative, and about five minutes.
    """
    from pilotlight.api.present import installed
    from pilotlight.demo.standin import checkout
    from pilotlight.errors import UsageError
    from pilotlight.kube.access import connect
    from pilotlight.kube.kinds import INFERENCE_ROLLOUT
    from pilotlight.terminal.console import console
    from pilotlight_canary.demo.play import play
    from pilotlight_canary.demo.service import BAD
    from pilotlight_canary.demo.story import Story

    if bad not in CHOICES:
        raise UsageError(f"--bad is one of {', '.join(CHOICES)}, not {bad}")
    if pictures is not None and not pictures.is_dir():
        raise UsageError(f"there is no folder {pictures}")
    checkout()
    with connect(kubeconfig, context) as cluster:
        installed(cluster, INFERENCE_ROLLOUT)
        story = Story(cluster, namespace, BAD[bad], rate, gateway, prometheus, kubeconfig)
        play(story, console(), pictures, keep=keep)
