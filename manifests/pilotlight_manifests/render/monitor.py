"""A PodMonitor or ServiceMonitor of the Prometheus operator."""

from pilotlight_manifests.render.document import Manifest
from pilotlight_manifests.render.names import PORT_NAME, is_knative, metadata, pod_labels
from pilotlight_manifests.spec.operations import Monitoring
from pilotlight_manifests.spec.served_model import ServedModel

KNATIVE_USER_PORT = "user-port"
KNATIVE_QUEUE_PORT = "http-usermetric"
"""Names that Knative gives the ports of a pod (``pkg/apis/serving/v1/revision_helpers.go``)."""

REVISION = {
    "sourceLabels": ["__meta_kubernetes_pod_label_serving_knative_dev_revision"],
    "targetLabel": "revision",
}


def monitor(spec: ServedModel, wanted: Monitoring, component: str) -> Manifest:
    """Scrapes the server's /metrics and, under Knative, its queue-proxy."""
    kind = wanted.kind
    meta = metadata(spec, f"{spec.name}-{component}")
    meta["labels"] = meta["labels"] | wanted.labels
    endpoints = "podMetricsEndpoints" if kind == "PodMonitor" else "endpoints"
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": kind,
        "metadata": meta,
        "spec": {
            "selector": {"matchLabels": pod_labels(spec, component)},
            endpoints: [_endpoint(spec, wanted, port) for port in _ports(spec)],
        },
    }


def _ports(spec: ServedModel) -> tuple[str, ...]:
    return (KNATIVE_USER_PORT, KNATIVE_QUEUE_PORT) if is_knative(spec) else (PORT_NAME,)


def _endpoint(spec: ServedModel, wanted: Monitoring, port: str) -> Manifest:
    endpoint: Manifest = {"port": port, "path": "/metrics", "interval": wanted.interval}
    if is_knative(spec):
        # Versions cannot be compared without it.
        endpoint["relabelings"] = [REVISION]
    return endpoint
