"""The loop's frame: kopf watches, and writes nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import kopf

from pilotlight.controller.frame import connection, selector, settings
from pilotlight.kube.kinds import INFERENCE_SERVICE, WARM_POOL
from pilotlight.kube.kubeconfig import Target
from pilotlight_autoscaler.controller.keeper import Keeper

WATCHED = (WARM_POOL, INFERENCE_SERVICE)
KOPFS = "pilotlight.dev/kopf"
"""Never written: kopf takes its own finalizer away where it needs none, so that it is not ours."""


async def operate(
    target: Target, keeper: Keeper, namespaces: Sequence[str], stop: asyncio.Event
) -> None:
    """Look after all warm pools, until told to stop.

    Args:
        target: The API server, and as whom to call it.
        keeper: The loops.
        namespaces: Whose pools; none: everybody's.
        stop: Ends it.
    """
    await kopf.operator(
        registry=registry(target, keeper),
        settings=settings(KOPFS),
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

    @kopf.on.event(*selector(WARM_POOL), registry=found, id="pool")
    async def _pool(event: Mapping[str, Any], **_: Any) -> None:
        keeper.saw_pool(event["object"], deleted=event["type"] == "DELETED")

    @kopf.on.event(*selector(INFERENCE_SERVICE), registry=found, id="service")
    async def _service(event: Mapping[str, Any], **_: Any) -> None:
        keeper.saw_service(event["object"], deleted=event["type"] == "DELETED")

    return found
