"""What people copy or render is admitted: the real API server, KServe's and Knative's webhooks."""

import subprocess
from pathlib import Path

import pytest
import yaml

from pilotlight.errors import ManifestError
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import INFERENCE_SERVICE, KNATIVE_SERVICE, POD_MONITOR
from tests.e2e.local_cluster import PILOTLIGHT
from tests.e2e.workspace import Workspace

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = sorted((CHECKOUT / "manifests" / "examples").glob("*.yaml"))
SPECS = sorted((CHECKOUT / "tests" / "unit" / "manifests" / "specs").glob("*.yaml"))


@pytest.fixture(scope="module", autouse=True)
def custom_resources(workspace: Workspace) -> None:
    """Pilotlight's own kinds."""
    folder = str(CHECKOUT / "manifests" / "crds")
    workspace.cluster.kubectl("apply", "--server-side", "-f", folder)
    workspace.cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", folder)


def check_admitted(workspace: Workspace, text: str, file: Path) -> None:
    """Have the cluster look at documents, and store none."""
    documents = [here(document) for document in yaml.safe_load_all(text) if document]
    assert documents
    file.write_text(yaml.safe_dump_all(documents))
    arguments = ("--dry-run=server", "-n", workspace.namespace, "-f", str(file))
    said = workspace.cluster.kubectl("apply", *arguments)
    assert said.count("(server dry run)") == len(documents), said


def here(document: Document) -> Document:
    """A document without a namespace of its own, which would have to exist."""
    metadata = {k: v for k, v in document["metadata"].items() if k != "namespace"}
    return {**document, "metadata": metadata}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_admitted(workspace: Workspace, example: Path, tmp_path: Path) -> None:
    check_admitted(workspace, example.read_text(), tmp_path / "example.yaml")


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_what_is_rendered_is_admitted(workspace: Workspace, spec: Path, tmp_path: Path) -> None:
    command = [PILOTLIGHT, "manifests", "render", str(spec)]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    # The local cluster has Prometheus without its operator.
    known = [
        document
        for document in yaml.safe_load_all(rendered.stdout)
        if document["apiVersion"] != POD_MONITOR.api_version
    ]
    check_admitted(workspace, yaml.safe_dump_all(known), tmp_path / "rendered.yaml")


def test_the_webhooks_are_on(workspace: Workspace) -> None:
    """Without this, the tests above would prove nothing."""
    container = {"name": "kserve-container", "image": "dev.local/x:dev"}
    service = {
        "apiVersion": INFERENCE_SERVICE.api_version,
        "kind": INFERENCE_SERVICE.name,
        "metadata": {"name": "wrong", "namespace": workspace.namespace},
        "spec": {"predictor": {"minReplicas": 3, "maxReplicas": 1, "containers": [container]}},
    }
    with pytest.raises(ManifestError, match=r"[Mm]in.?[Rr]eplicas"):
        workspace.cluster.api.apply(service, dry_run=True)
    ports = [{"containerPort": 8080}, {"containerPort": 8081}]
    template = {"spec": {"containers": [{"image": "dev.local/x:dev", "ports": ports}]}}
    knative = {
        "apiVersion": KNATIVE_SERVICE.api_version,
        "kind": KNATIVE_SERVICE.name,
        "metadata": {"name": "wrong", "namespace": workspace.namespace},
        "spec": {"template": template},
    }
    with pytest.raises(ManifestError, match="ports"):
        workspace.cluster.api.create(knative, dry_run=True)
