"""Knative Serving and Kourier."""

from pathlib import Path

from pilotlight.kube.document import Document
from pilotlight_cluster import versions
from pilotlight_cluster.addons.document import (
    containers,
    fit,
    is_definition,
    is_kind,
    read,
    settings,
)
from pilotlight_cluster.binaries import KNATIVE, Binaries
from pilotlight_cluster.images import platform

DOMAIN = "example.com"
GATEWAY_IP = "10.96.0.80"
VERSION_LABEL = "app.kubernetes.io/version"
AUTOSCALING_HPA = ("activator-hpa.yaml", "webhook-hpa.yaml")

# Metrics are off by default, and turning them on later restarts every pod of every service.
OBSERVABILITY = {
    "metrics-protocol": "prometheus",
    "request-metrics-protocol": "prometheus",
}
# What the examples' pods use.
FEATURES = {
    "kubernetes.podspec-persistent-volume-claim": "enabled",
    "kubernetes.podspec-persistent-volume-write": "enabled",
    "kubernetes.podspec-volumes-emptydir": "enabled",
    "kubernetes.podspec-init-containers": "enabled",
    "kubernetes.podspec-fieldref": "enabled",
    "kubernetes.podspec-nodeselector": "enabled",
    "kubernetes.podspec-tolerations": "enabled",
    "kubernetes.podspec-affinity": "enabled",
    "kubernetes.podspec-topologyspreadconstraints": "enabled",
    "kubernetes.podspec-priorityclassname": "enabled",
    "kubernetes.podspec-runtimeclassname": "enabled",
    "kubernetes.podspec-schedulername": "enabled",
    "kubernetes.podspec-securitycontext": "enabled",
}


def crds(binaries: Binaries) -> list[Document]:
    """Definitions, which must be established before anything else."""
    serving = binaries.manifests(KNATIVE, "serving")
    networking = binaries.manifests(KNATIVE, "networking")
    caching = binaries.manifests(KNATIVE, "caching")
    folders = (serving / "300-resources", serving, networking, caching)
    return list(read(*folders, wanted=is_definition))


def documents(binaries: Binaries) -> list[Document]:
    """Knative Serving's namespace, accounts, settings, webhooks and deployments, and Kourier's."""
    serving = binaries.manifests(KNATIVE, "serving")
    kourier = binaries.manifests(KNATIVE, "kourier")
    paths = [
        serving / "100-namespace.yaml",
        serving / "200-roles",
        serving / "200-serviceaccount.yaml",
        serving / "configmaps",
        binaries.manifests(KNATIVE, "networking") / "config-network.yaml",
        serving / "webhooks",
        serving / "999-cache.yaml",
        *_deployments(serving / "deployments"),
        kourier,
    ]
    found = [_local(document) for document in read(*(path for path in paths if path.exists()))]
    unique = {_identity(document): document for document in found}
    chosen = list(unique.values())
    settings(chosen, "config-observability", OBSERVABILITY)
    settings(chosen, "config-features", FEATURES)
    settings(chosen, "config-domain", {DOMAIN: ""})
    settings(chosen, "config-deployment", _deployment())
    settings(chosen, "config-network", {"ingress-class": "kourier.ingress.networking.knative.dev"})
    return chosen


def _deployments(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("*.yaml")) if file.name not in AUTOSCALING_HPA]


def _deployment() -> dict[str, str]:
    return {
        "queue-sidecar-image": platform.name(KNATIVE, "queue"),
        "registries-skipping-tag-resolving": platform.REGISTRY,
        # Without it a warm pod that waits for a node makes Knative drop the warm minimum.
        "pod-is-always-schedulable": "true",
        "queue-sidecar-cpu-request": "5m",
    }


def _local(document: Document) -> Document:
    document = fit(document, _image)
    labels = document["metadata"].get("labels", {})
    if labels.get(VERSION_LABEL) == "devel":
        labels[VERSION_LABEL] = versions.KNATIVE_RELEASE
    if is_kind(document, "Image"):
        document["spec"]["image"] = _image(document["spec"]["image"])
    for container in containers(document):
        # It calls sh and curl, which are not in the image.
        container.pop("lifecycle", None)
        for probe in ("readinessProbe", "livenessProbe"):
            if probe in container:
                container[probe].pop("initialDelaySeconds", None)
        if container["name"] == "kourier-gateway":
            container["readinessProbe"]["periodSeconds"] = 1
    if is_kind(document, "Service", "kourier"):
        document["spec"] |= {"type": "ClusterIP", "clusterIP": GATEWAY_IP}
    return document


def _image(published: str) -> str:
    if "envoy" in published:
        return platform.gateway()
    return platform.name(KNATIVE, published.rpartition("/")[2])


def _identity(document: Document) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return document["kind"], metadata.get("namespace", ""), metadata["name"]
