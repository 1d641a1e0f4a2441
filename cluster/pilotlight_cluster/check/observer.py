"""Reads a cluster for the check; changes nothing in it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pilotlight.errors import AccessDenied, NotInCluster
from pilotlight.kube import kinds
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight_cluster.check import parts
from pilotlight_cluster.check.duties import DUTIES
from pilotlight_cluster.check.observation import Action, Look, Observation, Webhook, Workload

Seen = TypeVar("Seen")

CALLS_AT_ONCE = 4


def observe(
    cluster: Cluster, namespace: str, *, subject: Cluster | None = None, kubectl: str = "kubectl"
) -> Observation:
    """Look at everything that the check judges.

    Args:
        namespace: Where models run.
        subject: The cluster as the user whose permissions are asked for; by default ourselves.
        kubectl: How to start kubectl for this cluster.

    Raises:
        ClusterError: The cluster cannot be reached, or does not know who asks.
    """
    webhooks = {
        _webhooks_name(kind, name): _look(cluster, Reference(kind, name), _read_webhooks)
        for kind, name in (*parts.KNATIVE_WEBHOOKS, *parts.KSERVE_WEBHOOKS)
    }
    kserve = _kserve_namespace(webhooks)
    config = {
        name: _look(cluster, Reference(kinds.CONFIG_MAP, name, home), _read_settings)
        for home, names in ((parts.SERVING, parts.CONFIG_MAPS), (kserve, (parts.KSERVE_CONFIG,)))
        for name in names
    }
    workloads, services = _gateway_objects(config["config-network"].value or {})
    workloads += [f"{parts.SERVING}/{name}" for name in parts.SERVING_WORKLOADS]
    workloads += [f"{kserve}/{parts.KSERVE_CONTROLLER}"]
    return Observation(
        server=cluster.server,
        kubectl=kubectl,
        kubernetes=cluster.version(),
        namespace=namespace,
        reader=_user(cluster),
        user=_user(subject or cluster),
        kserve_namespace=kserve,
        kinds=frozenset(kind for kind in parts.KINDS if cluster.serves(kind)),
        namespaces={
            name: _look(cluster, Reference(kinds.NAMESPACE, name), _read_labels)
            for name in (parts.SERVING, kserve, namespace)
        },
        config=config,
        workloads={
            name: _look(cluster, _named(kinds.DEPLOYMENT, name), _read_workload)
            for name in workloads
        },
        services={
            name: _look(cluster, _named(kinds.SERVICE, name), lambda _: True) for name in services
        },
        webhooks=webhooks,
        refused=_refused(subject or cluster, namespace),
    )


def _user(cluster: Cluster) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        return str(cluster.create(review)["status"]["userInfo"]["username"])
    except NotInCluster:
        return ""


def _look(cluster: Cluster, reference: Reference, read: Callable[[Document], Seen]) -> Look[Seen]:
    try:
        return Look(read(cluster.get(reference)))
    except NotInCluster:
        return Look()
    except AccessDenied as error:
        return Look(denied=str(error))


def _named(kind: Kind, path: str) -> Reference:
    namespace, _, name = path.partition("/")
    return Reference(kind, name, namespace)


def _webhooks_name(kind: Kind, name: str) -> str:
    return f"{kind.name}/{name}"


def _kserve_namespace(webhooks: Mapping[str, Look[tuple[Webhook, ...]]]) -> str:
    for kind, name in parts.KSERVE_WEBHOOKS:
        for webhook in webhooks[_webhooks_name(kind, name)].value or ():
            if webhook.namespace:
                return webhook.namespace
    return parts.KSERVE


def _gateway_objects(config_network: Mapping[str, str]) -> tuple[list[str], list[str]]:
    gateway = parts.gateway_of(config_network)
    if isinstance(gateway, str):
        return [], []
    return [gateway.controller, *gateway.proxies], list(gateway.services)


def _read_labels(document: Document) -> Mapping[str, str]:
    return dict(document["metadata"].get("labels") or {})


def _read_settings(document: Document) -> Mapping[str, str]:
    return {key: value for key, value in (document.get("data") or {}).items() if key != "_example"}


def _read_workload(document: Document) -> Workload:
    pod: dict[str, Any] = document["spec"]["template"]["spec"]
    status = document.get("status") or {}
    return Workload(
        ready=status.get("readyReplicas") or 0,
        wanted=document["spec"].get("replicas", 1),
        version=_read_labels(document).get("app.kubernetes.io/version", ""),
        images=tuple(container["image"] for container in pod["containers"]),
        grace_s=pod.get("terminationGracePeriodSeconds", 30),
    )


def _read_webhooks(document: Document) -> tuple[Webhook, ...]:
    return tuple(
        Webhook(
            webhook["name"],
            bool(webhook["clientConfig"].get("caBundle")),
            (webhook["clientConfig"].get("service") or {}).get("namespace", ""),
        )
        for webhook in document.get("webhooks") or ()
    )


def _refused(cluster: Cluster, namespace: str) -> frozenset[Action]:
    actions = sorted(
        {action for duty in DUTIES for action in duty.actions},
        key=lambda action: (action.group, action.resource, action.verb),
    )
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        allowed = pool.map(lambda action: _allowed(cluster, action, namespace), actions)
        return frozenset(action for action, yes in zip(actions, allowed, strict=True) if not yes)


def _allowed(cluster: Cluster, action: Action, namespace: str) -> bool:
    resource, _, subresource = action.resource.partition("/")
    review = cluster.create(
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": {
                    "namespace": namespace,
                    "verb": action.verb,
                    "group": action.group,
                    "resource": resource,
                    "subresource": subresource,
                }
            },
        }
    )
    return bool(review["status"]["allowed"])
