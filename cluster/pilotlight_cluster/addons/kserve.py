"""KServe's controller, without the parts that bring other controllers with them."""

import json
import re
from pathlib import Path
from typing import Any

from pilotlight.kube.document import Document
from pilotlight_cluster.addons.document import fit, is_definition, is_kind, read
from pilotlight_cluster.addons.knative import DOMAIN
from pilotlight_cluster.binaries import KSERVE, Binaries
from pilotlight_cluster.certificates import Authority, inline
from pilotlight_cluster.images import platform

NAMESPACE = "kserve"
WEBHOOK_HOST = "kserve-webhook-server-service.kserve.svc"
# The LLM and local-model controllers are programs of their own; cert-manager is not here.
LEFT_OUT_NAMES = ("llmisvc", "localmodel", "llminferenceservice")
# Two thirds of all definitions' bytes, and nobody acts on them.
LEFT_OUT = re.compile(r"^  name: llminferenceservice\S*$", re.MULTILINE)
LEFT_OUT_KINDS = ("Certificate", "Issuer")
CHANGES: dict[str, dict[str, Any]] = {
    "deploy": {"defaultDeploymentMode": "Knative"},
    "ingress": {"ingressDomain": DOMAIN, "disableIstioVirtualHost": True},
    "agent": {"image": platform.name(KSERVE, "agent")},
    "logger": {"image": platform.name(KSERVE, "agent")},
    "batcher": {"image": platform.name(KSERVE, "agent")},
}


def crds(binaries: Binaries) -> list[Document]:
    """KServe's definitions; conversion webhooks off, as only one version is used."""
    wanted = read(
        _file(binaries), wanted=lambda text: is_definition(text) and not LEFT_OUT.search(text)
    )
    return [_without_conversion(document) for document in wanted]


def documents(binaries: Binaries, authority: Authority) -> list[Document]:
    """KServe's namespace, accounts, settings, webhooks with their certificate, and controller."""
    found: list[Document] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        _certificate(authority),
    ]
    bundle = inline(authority.files.certificate)
    published = read(_file(binaries), wanted=lambda text: not is_definition(text))
    return [*found, *(_local(document, bundle) for document in published if _wanted(document))]


def runtimes(binaries: Binaries) -> list[Document]:
    """KServe's own ClusterServingRuntimes; their images are not on this machine."""
    file = binaries.manifests(KSERVE, "install") / "kserve-cluster-resources.yaml"
    return [document for document in read(file) if is_kind(document, "ClusterServingRuntime")]


def _wanted(document: Document) -> bool:
    name = document["metadata"]["name"]
    return document["kind"] not in LEFT_OUT_KINDS and not any(
        part in name for part in LEFT_OUT_NAMES
    )


def _local(document: Document, bundle: str) -> Document:
    kind = document["kind"]
    if kind == "ConfigMap":
        for key, values in CHANGES.items():
            document["data"][key] = json.dumps(json.loads(document["data"][key]) | values)
    if kind == "Deployment":
        _keep_manager(document)
    for webhook in document.get("webhooks", []):
        webhook["clientConfig"]["caBundle"] = bundle
    return fit(document, lambda _: platform.name(KSERVE, "manager"))


def _keep_manager(document: Document) -> None:
    """The proxy in front of its metrics is gone: they are served by the manager itself."""
    pod = document["spec"]["template"]["spec"]
    manager = next(c for c in pod["containers"] if c["name"] == "manager")
    manager["args"] = ["--metrics-addr=:8080", "--leader-elect=false"]
    manager["ports"].append({"name": "metrics", "containerPort": 8080, "protocol": "TCP"})
    manager["readinessProbe"] |= {"initialDelaySeconds": 1, "periodSeconds": 1}
    pod["containers"] = [manager]
    document["spec"]["strategy"] = {"type": "Recreate"}


def _certificate(authority: Authority) -> Document:
    pair = authority.issue("kserve-webhook", hosts=(WEBHOOK_HOST, f"{WEBHOOK_HOST}.cluster.local"))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "kserve-webhook-server-cert", "namespace": NAMESPACE},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": inline(pair.certificate), "tls.key": inline(pair.key)},
    }


def _without_conversion(document: Document) -> Document:
    document["spec"].pop("conversion", None)
    return document


def _file(binaries: Binaries) -> Path:
    return binaries.manifests(KSERVE, "install") / "kserve.yaml"
