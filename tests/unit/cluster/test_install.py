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
    """One that prints two Deployments, a Service and a CronJob."""
    program = tmp_path / "kubectl"
    names = ("rollout/deployment", "rollout/service", "warmpool/deployment", "warmpool/failsafe")
    files = [ROOT / "manifests/controller" / f"{name}.yaml" for name in names]
    text = "---\n".join(file.read_text() for file in files)
    (tmp_path / "built.yaml").write_text(text)
    program.write_text(f"#!/bin/sh\nexec {shutil.which('cat')} {tmp_path / 'built.yaml'}\n")
    program.chmod(0o755)
    return Kubectl(program, tmp_path / "kubeconfig", tmp_path / "applied")


def test_pods_run_the_image_of_this_checkout_and_follow_it(kubectl: Kubectl) -> None:
    fitted = controller.documents(kubectl, ROOT, image_name("controller"), "1a2b")
    deployments = [document for document in fitted if document["kind"] == "Deployment"]
    (job,) = [document for document in fitted if document["kind"] == "CronJob"]
    assert len(deployments) == 2
    for document in (*deployments, job):
        (container,) = containers(document)
        assert container["image"] == "dev.local/pilotlight-controller:dev"
        assert container["imagePullPolicy"] == "IfNotPresent"
    for document in deployments:
        annotations = document["spec"]["template"]["metadata"]["annotations"]
        assert annotations[controller.IMAGE_KEY] == "1a2b"


def test_figures_come_from_the_clusters_own_prometheus(kubectl: Kubectl) -> None:
    fitted = controller.documents(kubectl, ROOT, image_name("controller"), "1a2b")
    told = {}
    for document in fitted:
        for container in containers(document):
            for variable in container["env"]:
                told[variable["name"]] = variable.get("value")
    for name in controller.PROMETHEUS_VARIABLES.values():
        assert told[name] == controller.PROMETHEUS
