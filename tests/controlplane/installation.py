"""Knative, KServe and Kourier as the check sees them: their real YAML, without any pod.

No controller runs on a control plane alone, so the deployments are said to be ready, and the
webhooks, which nobody would answer, are asked nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document, reference_to
from pilotlight.kube.kinds import CONFIG_MAP, DEPLOYMENT
from pilotlight.kube.kinds import MUTATING_WEBHOOK as MUTATING
from pilotlight.kube.kinds import VALIDATING_WEBHOOK as VALIDATING
from pilotlight_cluster.binaries import KNATIVE, KSERVE, Binaries

KEPT = {"Namespace", CONFIG_MAP.name, DEPLOYMENT.name, "Service", MUTATING.name, VALIDATING.name}


def files(binaries: Binaries) -> Iterator[Path]:
    """What the releases consist of."""
    serving = binaries.manifests(KNATIVE, "serving")
    yield serving / "100-namespace.yaml"
    for folder in ("configmaps", "deployments", "webhooks"):
        yield from sorted((serving / folder).glob("*.yaml"))
    yield from sorted(binaries.manifests(KNATIVE, "networking").glob("*.yaml"))
    yield from sorted(binaries.manifests(KNATIVE, "kourier").glob("*.yaml"))
    yield binaries.manifests(KSERVE, "install") / "kserve.yaml"


def documents(binaries: Binaries) -> Iterator[Document]:
    """The objects of these files that the check looks at."""
    for file in files(binaries):
        for document in yaml.safe_load_all(file.read_text()):
            if not document:
                continue
            networking = document["metadata"]["name"].endswith("networking.internal.knative.dev")
            if document["kind"] in KEPT or networking:
                yield document


def install(cluster: Cluster, binaries: Binaries) -> None:
    """Apply everything, first namespaces, and say that it is ready."""
    found = list(documents(binaries))
    found += [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kserve"}},
    ]
    for document in sorted(found, key=lambda d: d["kind"] != "Namespace"):
        cluster.apply(_prepared(document), force=True)
        if document["kind"] == DEPLOYMENT.name:
            say_ready(cluster, document)


def say_ready(cluster: Cluster, deployment: Document, pods: int = 1) -> None:
    """What the kubelet and the deployment controller would report."""
    counts = {"replicas": 1, "readyReplicas": pods, "availableReplicas": pods}
    cluster.patch(reference_to(deployment), {"status": counts}, subresource="status")


def _prepared(document: Document) -> Document:
    for webhook in document.get("webhooks") or ():
        webhook.pop("rules", None)
        webhook["clientConfig"]["caBundle"] = "Q0E="
    document["metadata"].pop("creationTimestamp", None)
    document.pop("status", None)
    return document
