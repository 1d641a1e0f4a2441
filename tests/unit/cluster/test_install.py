"""The controller's manifests, made fit for the local cluster."""

import shutil
from pathlib import Path

import pytest

from pilotlight_cluster.addons import controller
from pilotlight_cluster.addons.document import containers
from pilotlight_cluster.images.project import image_name
from pilotlight_cluster.kubectl import Kubectl

ROOT = Path(__file__).parents[3]


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    """One that prints a Deployment and a Service."""
    program = tmp_path / "kubectl"
    files = [ROOT / "manifests/controller" / name for name in ("deployment.yaml", "service.yaml")]
    text = "---\n".join(file.read_text() for file in files)
    (tmp_path / "built.yaml").write_text(text)
    program.write_text(f"#!/bin/sh\nexec {shutil.which('cat')} {tmp_path / 'built.yaml'}\n")
    program.chmod(0o755)
    return Kubectl(program, tmp_path / "kubeconfig", tmp_path / "applied")


def test_pods_run_the_image_of_this_checkout_and_follow_it(kubectl: Kubectl) -> None:
    deployment, service = controller.documents(kubectl, ROOT, image_name("controller"), "1a2b")
    (container,) = containers(deployment)
    assert container["image"] == "dev.local/pilotlight-controller:dev"
    assert container["imagePullPolicy"] == "IfNotPresent"
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations[controller.IMAGE_KEY] == "1a2b"
    assert service["kind"] == "Service"


def test_figures_come_from_the_clusters_own_prometheus(kubectl: Kubectl) -> None:
    deployment, _ = controller.documents(kubectl, ROOT, image_name("controller"), "1a2b")
    (container,) = containers(deployment)
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert variables["PILOTLIGHT_CONTROLLER_PROMETHEUS"] == controller.PROMETHEUS
