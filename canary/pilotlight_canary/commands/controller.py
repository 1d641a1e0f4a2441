"""``pilotlight rollout controller``."""

from pathlib import Path
from typing import Annotated

import typer


def controller(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="By default $KUBECONFIG, or this pod's own cluster.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="By default the kubeconfig's current one.")
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Whose rollouts; may be repeated. Default: all."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Of /healthz, /readyz and /metrics; 0: any free one.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(help="json, or text for a person.", metavar="json|text")
    ] = None,
) -> None:
    """Carry out rollouts: the process that decides, acts and admits.

    Everything else is set by PILOTLIGHT_CONTROLLER_*; what is given here counts more.
    """
    from functools import partial

    from pydantic import ValidationError

    from pilotlight.controller.process import run
    from pilotlight.errors import UsageError
    from pilotlight_canary.controller.duty import RolloutDuty
    from pilotlight_canary.controller.settings import ControllerSettings

    if log not in (None, "json", "text"):
        raise UsageError(f"--log is json or text, not {log}")
    given: dict[str, object] = {
        "kubeconfig": kubeconfig,
        "context": context,
        "namespaces": tuple(namespace) if namespace else None,
        "port": port,
        "log_json": None if log is None else log == "json",
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = ControllerSettings.model_validate(chosen)
    except ValidationError as error:
        raise UsageError(f"the controller's settings cannot be used: {error}") from error
    run(settings, partial(RolloutDuty, settings))
