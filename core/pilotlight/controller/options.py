"""Options of the commands that are a controller's process."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from pilotlight.errors import UsageError

if TYPE_CHECKING:
    from pilotlight.controller.settings import ProcessSettings

Settings = TypeVar("Settings", bound="ProcessSettings")

Kubeconfig: TypeAlias = Annotated[
    Path | None, typer.Option(help="By default $KUBECONFIG, or this pod's own cluster.")
]
Namespaces: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--namespace", "-n", help="Whose objects; may be repeated. Default: all."),
]
Port: TypeAlias = Annotated[
    int | None, typer.Option(help="Of /healthz, /readyz and /metrics; 0: any free one.")
]
Log: TypeAlias = Annotated[
    str | None, typer.Option(help="json, or text for a person.", metavar="json|text")
]


def settings_of(
    settings: type[Settings],
    kubeconfig: Path | None,
    context: str | None,
    namespaces: list[str] | None,
    port: int | None,
    log: str | None,
) -> Settings:
    """Settings from the environment, and from what is given, which counts more.

    Raises:
        UsageError: They cannot be used; the message says why.
    """
    from pydantic import ValidationError

    if log not in (None, "json", "text"):
        raise UsageError(f"--log is json or text, not {log}")
    given: dict[str, object] = {
        "kubeconfig": kubeconfig,
        "context": context,
        "namespaces": tuple(namespaces) if namespaces else None,
        "port": port,
        "log_json": None if log is None else log == "json",
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return settings.model_validate(chosen)
    except ValidationError as error:
        raise UsageError(f"the controller's settings cannot be used: {error}") from error
