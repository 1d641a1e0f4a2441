"""The loop's frame: kopf watches, keeps a daemon for each rollout and holds its deletion up.

kopf writes its finalizer on InferenceRollouts, and an annotation while one is being deleted. Of
other kinds it only sees the events: nothing is ever written on an InferenceService's metadata.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import kopf

from pilotlight.kube.document import Kind
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE, REVISION, ROUTE
from pilotlight.kube.kubeconfig import Target
from pilotlight_canary.controller.keeper import Keeper

FINALIZER = "pilotlight.dev/rollout"
PREFIX = "pilotlight.dev"
WATCHED = (INFERENCE_ROLLOUT, INFERENCE_SERVICE, REVISION, ROUTE)


class Endless:
    """Pauses between attempts, for ever: an API server that is away comes back."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1, 1, 2, 3)
        while True:
            yield 5


class QuietLog(logging.Filter):
    """kopf's lines without the objects that it attaches to them."""

    def filter(self, record: logging.LogRecord) -> bool:
        for attached in ("settings", "k8s_skip", "k8s_ref"):
            record.__dict__.pop(attached, None)
        return True


def settings() -> kopf.OperatorSettings:
    """How kopf shall behave."""
    chosen = kopf.OperatorSettings()
    chosen.peering.standalone = True
    chosen.posting.enabled = False
    # Which kinds there are is waited for before; to watch for more would need more permissions.
    chosen.scanning.disabled = True
    chosen.persistence.finalizer = FINALIZER
    chosen.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=PREFIX)
    chosen.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=PREFIX)
    chosen.networking.error_backoffs = Endless()
    chosen.networking.request_timeout = 30
    chosen.networking.connect_timeout = 5
    chosen.background.cancellation_polling = 1
    chosen.background.instant_exit_timeout = 0.5
    chosen.process.ultimate_exiting_timeout = 60
    return chosen


async def operate(
    target: Target,
    keeper: Keeper,
    namespaces: Sequence[str],
    stop: asyncio.Event,
    ready: asyncio.Event,
) -> None:
    """Look after all rollouts, until told to stop.

    Args:
        target: The API server, and as whom to call it.
        keeper: The loops.
        namespaces: Whose rollouts; none: everybody's.
        stop: Ends it.
        ready: Set once it has begun.
    """
    await kopf.operator(
        registry=registry(target, keeper),
        settings=settings(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        stop_flag=stop,
        ready_flag=ready,
    )


def registry(target: Target, keeper: Keeper) -> kopf.OperatorRegistry:
    """What is done on which event."""
    found = kopf.OperatorRegistry()

    @kopf.on.login(registry=found, id="login")
    def _login(**_: Any) -> kopf.ConnectionInfo:
        return connection(target)

    @kopf.daemon(*_selector(INFERENCE_ROLLOUT), registry=found, id="look-after")
    async def _look_after(namespace: str | None, name: str, stopped: Any, **_: Any) -> None:
        await keeper.look_after((namespace or "", name), stopped)

    @kopf.on.delete(*_selector(INFERENCE_ROLLOUT), registry=found, id="release", when=_is_going)
    async def _release(namespace: str | None, name: str, **_: Any) -> None:
        await keeper.release((namespace or "", name))

    @kopf.on.event(*_selector(INFERENCE_ROLLOUT), registry=found, id="rollout")
    async def _rollout(event: Mapping[str, Any], body: kopf.Body, **_: Any) -> None:
        if event["type"] == "DELETED":
            keeper.forget((body["metadata"]["namespace"], body["metadata"]["name"]))
        else:
            keeper.bells.saw_rollout(event["object"])

    @kopf.on.event(*_selector(INFERENCE_SERVICE), registry=found, id="service")
    async def _service(event: Mapping[str, Any], **_: Any) -> None:
        keeper.bells.saw_service(event["object"], deleted=event["type"] == "DELETED")

    async def _part(event: Mapping[str, Any], **_: Any) -> None:
        keeper.bells.saw_part(event["object"], deleted=event["type"] == "DELETED")

    for kind in (REVISION, ROUTE):
        kopf.on.event(*_selector(kind), registry=found, id=kind.name.lower())(_part)
    return found


def connection(target: Target) -> kopf.ConnectionInfo:
    """The same server and credentials that the rest of the process uses.

    Asked for again when they are refused: a service account's token changes.
    """
    configuration = target.configuration
    bearer = configuration.auth_settings().get("BearerToken", {}).get("value") or ""
    scheme, _, token = bearer.rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        default_namespace=target.namespace,
    )


def _selector(kind: Kind) -> tuple[str, str, str]:
    group, _, version = kind.api_version.rpartition("/")
    return group, version, kind.name


def _is_going(meta: Mapping[str, Any], **_: Any) -> bool:
    return bool(meta.get("deletionTimestamp"))
