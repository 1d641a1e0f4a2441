"""``pilotlight cluster check``."""

from pathlib import Path
from typing import Annotated

import typer


def check(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="By default $KUBECONFIG or ~/.kube/config.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="By default the kubeconfig's current context.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Where models run; by default the context's namespace.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--as", help="Check the permissions of another user or service account (impersonate)."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that one call may take.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Tell whether a cluster has what Pilotlight needs, and how to mend what it lacks.

    Nothing in the cluster is changed. Exit code 1 if there is an error, 0 if there are only
    warnings.
    """
    from rich.console import Console

    from pilotlight.kube.access import connect
    from pilotlight_cluster.check.finding import Level, worst
    from pilotlight_cluster.check.judgement import judge
    from pilotlight_cluster.check.mending import kubectl
    from pilotlight_cluster.check.observer import observe
    from pilotlight_cluster.check.report import as_json, show

    with connect(kubeconfig, context, timeout_s=timeout) as cluster:
        home = namespace or cluster.namespace
        if user is None:
            observation = observe(cluster, home, kubectl=kubectl(kubeconfig, context))
        else:
            with connect(kubeconfig, context, timeout_s=timeout, impersonate=user) as subject:
                observation = observe(
                    cluster, home, subject=subject, kubectl=kubectl(kubeconfig, context)
                )
    findings = judge(observation)
    if json:
        typer.echo(as_json(observation, findings))
    else:
        show(observation, findings, Console())
    if worst(findings) is Level.ERROR:
        raise typer.Exit(1)
