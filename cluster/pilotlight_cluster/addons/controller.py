"""Pilotlight's own controllers, as manifests/controller installs it."""

from pathlib import Path

import yaml

from pilotlight.kube.document import Document
from pilotlight_cluster.addons.document import containers, fit
from pilotlight_cluster.kubectl import Kubectl
from pilotlight_cluster.services import PROMETHEUS_PORT

NAMESPACE = "pilotlight-system"
PROMETHEUS_VARIABLES = {
    "pilotlight-rollout-controller": "PILOTLIGHT_CONTROLLER_PROMETHEUS",
    "pilotlight-warmpool-controller": "PILOTLIGHT_WARMPOOL_PROMETHEUS",
}
"""By Deployment, what tells it where figures come from."""
FOLDER = Path("manifests") / "controller"
# Another image under the same name makes no new pods by itself.
IMAGE_KEY = "pilotlight.dev/image"
PROMETHEUS = f"http://prometheus.{NAMESPACE}:{PROMETHEUS_PORT}"


def documents(kubectl: Kubectl, checkout: Path, image: str, key: str) -> list[Document]:
    """What ``kubectl apply -k manifests/controller`` applies, fit for this cluster.

    Args:
        kubectl: Builds the kustomization.
        checkout: Where the manifests are.
        image: The controllers' image.
        key: Changes with the image's content.
    """
    built = yaml.safe_load_all(kubectl("kustomize", str(checkout / FOLDER)))
    return [_fit(document, image, key) for document in built]


def _fit(document: Document, image: str, key: str) -> Document:
    if document["kind"] not in ("Deployment", "CronJob"):
        return document
    fit(document, lambda _: image)
    variable = PROMETHEUS_VARIABLES.get(document["metadata"]["name"])
    if document["kind"] == "Deployment" and variable:
        metadata = document["spec"]["template"]["metadata"]
        metadata["annotations"] = (metadata.get("annotations") or {}) | {IMAGE_KEY: key}
        for container in containers(document):
            container["env"].append({"name": variable, "value": PROMETHEUS})
    return document
