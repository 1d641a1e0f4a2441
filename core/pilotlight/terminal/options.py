"""Options that sub-commands have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from pilotlight.kube.access import ApiServer

Kubeconfig: TypeAlias = Annotated[
    Path | None, typer.Option(help="By default $KUBECONFIG or ~/.kube/config.")
]
Context: TypeAlias = Annotated[
    str | None, typer.Option(help="By default the kubeconfig's current context.")
]
Namespace: TypeAlias = Annotated[
    str | None, typer.Option("--namespace", "-n", help="By default the context's namespace.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@contextmanager
def opened(
    kubeconfig: Path | None, context: str | None, namespace: str | None
) -> Iterator[tuple["ApiServer", str]]:
    """A cluster, and the namespace that is meant."""
    from pilotlight.kube.access import connect

    with connect(kubeconfig, context) as cluster:
        yield cluster, namespace or cluster.namespace
