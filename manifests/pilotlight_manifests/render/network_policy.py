"""Who reaches the pods.

The kubelet's probes need no rule: traffic from a pod's own node is always allowed. Ports of
Knative's queue-proxy: ``pkg/networking/constants.go``.
"""

from collections.abc import Iterable

from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import (
    GRPC_PORT,
    HTTP_PORT,
    PREDICTOR,
    is_knative,
    metadata,
    pod_labels,
)
from pilotlight_manifests.spec.access import Peer
from pilotlight_manifests.spec.served_model import ServedModel

QUEUE_PROXY_PORTS = (8012, 8013, 8112)
"""HTTP/1, HTTP/2 and TLS."""

AUTOSCALER_METRICS_PORT = 9090
USER_METRICS_PORT = 9091
CONTROLLER = Peer(namespace="pilotlight-system")


def network_policy(spec: ServedModel, component: str) -> Manifest:
    """Ingress to the pods of a component; what they call is not restricted."""
    rules = _knative(spec) if is_knative(spec) else _standard(spec, component)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(spec, f"{spec.name}-{component}"),
        "spec": {
            "podSelector": {"matchLabels": pod_labels(spec, component)},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        },
    }


def _knative(spec: ServedModel) -> list[Manifest]:
    system = spec.access.knative_namespace
    activator = Peer(namespace=system, pod_labels={"app": "activator"})
    autoscaler = Peer(namespace=system, pod_labels={"app": "autoscaler"})
    return [
        # The autoscaler also probes the path before it takes the activator out of it.
        _rule((spec.access.gateway, activator, autoscaler), QUEUE_PROXY_PORTS),
        # It reads the concurrency at the queue-proxy: shut out, it sees no load at all.
        _rule((autoscaler,), (AUTOSCALER_METRICS_PORT,)),
        _rule(_observers(spec), (HTTP_PORT, USER_METRICS_PORT)),
    ]


def _standard(spec: ServedModel, component: str) -> list[Manifest]:
    ports = (HTTP_PORT, GRPC_PORT)
    own_pods = {"podSelector": {"matchLabels": pod_labels(spec, component)}}
    if not spec.access.callers:
        rules = [_rule((), ports)]
    else:
        peers = (*spec.access.callers, spec.access.gateway, *_observers(spec))
        rules = [_rule(peers, ports)]
        if spec.transformer and component == PREDICTOR:
            before = {"podSelector": {"matchLabels": pod_labels(spec, "transformer")}}
            rules.append({"from": [before], "ports": [_port(HTTP_PORT)]})
    if spec.parallelism.nodes > 1 and component == PREDICTOR:
        # Ray and NCCL take any port.
        rules.append({"from": [own_pods]})
    return rules


def _observers(spec: ServedModel) -> tuple[Peer, ...]:
    scraped = spec.rollout is not None or spec.warm_pool is not None
    return (spec.access.prometheus, CONTROLLER) if scraped else (spec.access.prometheus,)


def _rule(peers: Iterable[Peer], ports: Iterable[int]) -> Manifest:
    return without_absent(
        {"from": [_peer(peer) for peer in peers], "ports": [_port(port) for port in ports]}
    )


def _port(number: int) -> Manifest:
    return {"port": number, "protocol": "TCP"}


def _peer(peer: Peer) -> Manifest:
    result: Manifest = {}
    if peer.namespace is not None:
        label = {"kubernetes.io/metadata.name": peer.namespace}
        result["namespaceSelector"] = {"matchLabels": label}
    if peer.pod_labels or peer.namespace is None:
        result["podSelector"] = {"matchLabels": dict(peer.pod_labels)} if peer.pod_labels else {}
    return result
