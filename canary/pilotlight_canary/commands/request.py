"""``pilotlight rollout pause``, ``resume``, ``promote``, ``abort``, ``approve`` and ``retry``."""

import json as jsonlib
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig, Namespace, opened
from pilotlight_canary.commands.options import Name

Timeout: TypeAlias = Annotated[
    float, typer.Option(min=0, help="Seconds to wait until the controller has taken it.")
]
TAKEN_S = 20.0


def pause(
    name: Name,
    namespace: Namespace = None,
    timeout: Timeout = TAKEN_S,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Stay at the weight of now until `resume`; hard limits still take a version back."""
    _ask("pause", name, namespace, timeout, kubeconfig, context, json)


def resume(
    name: Name,
    namespace: Namespace = None,
    timeout: Timeout = TAKEN_S,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Go on after `pause`."""
    _ask("resume", name, namespace, timeout, kubeconfig, context, json)


def promote(
    name: Name,
    namespace: Namespace = None,
    timeout: Timeout = TAKEN_S,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Give the new version all traffic now, whatever the evidence says."""
    _ask("promote", name, namespace, timeout, kubeconfig, context, json)


def abort(
    name: Name,
    namespace: Namespace = None,
    timeout: Timeout = TAKEN_S,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Give the old version all traffic back, also shortly after a promotion."""
    _ask("abort", name, namespace, timeout, kubeconfig, context, json)


def approve(
    name: Name,
    namespace: Namespace = None,
    timeout: Timeout = TAKEN_S,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Let a rollout go on that waits at one of its pauseWeights."""
    _ask("approve", name, namespace, timeout, kubeconfig, context, json)


def retry(
    name: Name,
    namespace: Namespace = None,
    timeout: Timeout = TAKEN_S,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Roll out once more what was taken back."""
    _ask("retry", name, namespace, timeout, kubeconfig, context, json)


def _ask(
    action: str,
    name: str,
    namespace: str | None,
    timeout_s: float,
    kubeconfig: Path | None,
    context: str | None,
    json: bool,
) -> None:
    from pilotlight.clock import utc_now
    from pilotlight_canary.observation import Action
    from pilotlight_canary.view.asking import Desk
    from pilotlight_canary.view.observer import user
    from pilotlight_canary.view.report import summary

    with opened(kubeconfig, context, namespace) as (cluster, home):
        desk = Desk(cluster, utc_now)
        asked = desk.hand_in(name, home, Action(action), user())
        if asked.replaced is not None:
            by = asked.replaced.by or "somebody"
            typer.echo(f"replaces `{asked.replaced.action}` of {by}, not taken yet", err=True)
        rollout = desk.taken(asked, timeout_s)
    status = rollout.status
    if json:
        said = {"request": asked.request.id, "action": action} | summary(rollout)
        typer.echo(jsonlib.dumps(said, ensure_ascii=False))
    else:
        typer.echo(f"{action} taken: {status.phase.value}, {status.weight} %. {status.reason}")
