"""The loop's frame: kopf watches, keeps a daemon for each rollout and holds its deletion up.

kopf writes its finalizer on InferenceRollouts, and an annotation while one is being deleted. Of
other kinds it only sees the events: nothing is ever written on an InferenceService's metadata.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import kopf

from pilotlight.controller.frame import connection, selector, settings
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE, REVISION, ROUTE
from pilotlight.kube.kubeconfig import Target
from pilotlight_canary.controller.keeper import Keeper

FINALIZER = "pilotlight.dev/rollout"
WATCHED = (INFERENCE_ROLLOUT, INFERENCE_SERVICE, REVISION, ROUTE)


async def operate(
    target: Target,
    keeper: Keeper,
    namespaces: Sequence[str],
    stop: asyncio.Event,
) -> None:
    """Look after all rollouts, until told to stop.

    Args:
        target: The API server, and as whom to call it.
        keeper: The loops.
        namespaces: Whose rollouts; none: everybody's.
        stop: Ends it.
    """
    await kopf.operator(
        registry=registry(target, keeper),
        settings=settings(FINALIZER),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        stop_flag=stop,
    )


def registry(target: Target, keeper: Keeper) -> kopf.OperatorRegistry:
    """What is done on which event."""
    found = kopf.OperatorRegistry()

    @kopf.on.login(registry=found, id="login")
    def _login(**_: Any) -> kopf.ConnectionInfo:
        return connection(target)

    @kopf.daemon(*selector(INFERENCE_ROLLOUT), registry=found, id="look-after")
    async def _look_after(namespace: str | None, name: str, stopped: Any, **_: Any) -> None:
        await keeper.look_after((namespace or "", name), stopped)

    @kopf.on.delete(*selector(INFERENCE_ROLLOUT), registry=found, id="release", when=_is_going)
    async def _release(namespace: str | None, name: str, **_: Any) -> None:
        await keeper.release((namespace or "", name))

    @kopf.on.event(*selector(INFERENCE_ROLLOUT), registry=found, id="rollout")
    async def _rollout(event: Mapping[str, Any], body: kopf.Body, **_: Any) -> None:
        if event["type"] == "DELETED":
            keeper.forget((body["metadata"]["namespace"], body["metadata"]["name"]))
        else:
            keeper.bells.saw_rollout(event["object"])

    @kopf.on.event(*selector(INFERENCE_SERVICE), registry=found, id="service")
    async def _service(event: Mapping[str, Any], **_: Any) -> None:
        keeper.bells.saw_service(event["object"], deleted=event["type"] == "DELETED")

    async def _part(event: Mapping[str, Any], **_: Any) -> None:
        keeper.bells.saw_part(event["object"], deleted=event["type"] == "DELETED")

    for kind in (REVISION, ROUTE):
        kopf.on.event(*selector(kind), registry=found, id=kind.name.lower())(_part)
    return found


def _is_going(meta: Mapping[str, Any], **_: Any) -> bool:
    return bool(meta.get("deletionTimestamp"))
