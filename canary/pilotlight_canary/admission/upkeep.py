"""What the leader keeps up: the certificates, and whom the API server asks about what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pilotlight.errors import Conflict
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import MUTATING_WEBHOOK, SECRET, VALIDATING_WEBHOOK
from pilotlight_canary.admission import certificates
from pilotlight_canary.admission.runtimes import RuntimeEdits
from pilotlight_canary.admission.webhooks import (
    NAME,
    ClientConfig,
    Enrolled,
    configurations,
    of_service,
)
from pilotlight_canary.admission.world import World, target_of


@dataclass(frozen=True)
class Kept:
    """How the webhooks are now."""

    enrolled: Enrolled
    """What the API server asks about from now on."""
    written: bool
    """Whether anything had to be changed."""


@dataclass(frozen=True)
class Upkeep:
    """Keeps the webhooks as they should be.

    The Secret and the two configurations are there already, empty, from the installation: the
    controller may change these by their names, and needs no permission to make any.

    Args:
        cluster: Written to by the leader only.
        secret: Where the certificates are kept.
        controller: The user as whom the controller writes.
        hosts: Names in the serving certificate.
        client: Where the API server finds the webhooks.
        edits: What becomes of edits of runtimes.
        namespaces: Whose rollouts count; ``None`` among them: everybody's.
    """

    cluster: Cluster
    secret: Reference
    controller: str
    hosts: Sequence[str]
    client: ClientConfig
    edits: RuntimeEdits = RuntimeEdits.REFUSE
    namespaces: Sequence[str | None] = (None,)

    def keep(self, now: datetime) -> Kept:
        """Do what is due; to be called every few seconds and when a rollout comes or goes.

        Args:
            now: With a time zone.

        Raises:
            ClusterError: The cluster did not do it, or the installation is not complete.
        """
        bundle, renewed = self._certificates(now)
        watched = enrolled(World(self.cluster), self.namespaces)
        wanted = configurations(watched, self.client, bundle, self.controller, self.edits)
        written = [self._configure(document) for document in wanted]
        return Kept(watched, renewed or any(written))

    def _certificates(self, now: datetime) -> tuple[str, bool]:
        stored = self.cluster.get(self.secret)
        found = certificates.read(stored.get("data"))
        wanted = certificates.renewed(found, self.hosts, now)
        if wanted is not found:
            version = {"resourceVersion": stored["metadata"]["resourceVersion"]}
            self.cluster.patch(self.secret, {"metadata": version, "data": wanted.data()})
        return certificates.inline(wanted.bundle), wanted is not found

    def _configure(self, wanted: Document) -> bool:
        kind = MUTATING_WEBHOOK if wanted["kind"] == MUTATING_WEBHOOK.name else VALIDATING_WEBHOOK
        stored = self.cluster.get(Reference(kind, NAME))
        if _covers(stored.get("webhooks"), wanted["webhooks"]):
            return False
        version = {"resourceVersion": stored["metadata"]["resourceVersion"]}
        change = {"metadata": version, "webhooks": wanted["webhooks"]}
        try:
            self.cluster.patch(Reference(kind, NAME), change)
        except Conflict:
            return self._configure(wanted)
        return True


def in_cluster(
    cluster: Cluster,
    namespace: str,
    *,
    service: str,
    secret: str,
    account: str,
    edits: RuntimeEdits = RuntimeEdits.REFUSE,
    namespaces: Sequence[str | None] = (None,),
) -> Upkeep:
    """The upkeep of webhooks that are served by pods behind a Service.

    Args:
        namespace: Of the controller and of all the others.
        service: Its Service on port 443.
        secret: Its Secret.
        account: Its service account.
        edits: What becomes of edits of runtimes.
        namespaces: Whose rollouts count.
    """
    return Upkeep(
        cluster,
        Reference(SECRET, secret, namespace),
        user_of(namespace, account),
        (f"{service}.{namespace}.svc", f"{service}.{namespace}.svc.cluster.local"),
        of_service(namespace, service),
        edits,
        namespaces,
    )


def user_of(namespace: str, account: str) -> str:
    """The user name of a service account."""
    return f"system:serviceaccount:{namespace}:{account}"


def enrolled(world: World, namespaces: Sequence[str | None] = (None,)) -> Enrolled:
    """All that the webhooks have to be asked about now."""
    services, runtimes = set(), set()
    for rollout in (each for namespace in namespaces for each in world.rollouts(namespace)):
        namespace, name = rollout["metadata"]["namespace"], target_of(rollout)
        services.add(f"{namespace}/{name}")
        service = world.service(namespace, name)
        if service is not None:
            runtimes |= set(_runtimes(service))
    return Enrolled(tuple(sorted(services)), tuple(sorted(runtimes)))


def _runtimes(service: Document) -> Sequence[str]:
    status, namespace = service.get("status") or {}, service["metadata"]["namespace"]
    model = ((service.get("spec") or {}).get("predictor") or {}).get("model") or {}
    names = {
        status.get("servingRuntimeName"),
        status.get("clusterServingRuntimeName"),
        model.get("runtime"),
    }
    return [f"{where}/{name}" for name in names if name for where in (namespace, "")]


def _covers(stored: object, wanted: object) -> bool:
    """Whether all that is wanted is so; the API server adds its defaults."""
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(
            _covers(stored.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(stored, list)
            and len(stored) == len(wanted)
            and all(_covers(have, want) for have, want in zip(stored, wanted, strict=True))
        )
    return stored == wanted
