"""What people copy passes the real API server, with KServe's and Knative's webhooks on."""

from pathlib import Path

import pytest
import yaml

from pilotlight.errors import ManifestError
from pilotlight.kube.kinds import INFERENCE_SERVICE, KNATIVE_SERVICE
from tests.e2e.workspace import Workspace

MANIFESTS = Path(__file__).parents[2] / "manifests"
EXAMPLES = sorted((MANIFESTS / "examples").glob("*.yaml"))


@pytest.fixture(scope="module", autouse=True)
def custom_resources(workspace: Workspace) -> None:
    """Pilotlight's own kinds."""
    folder = str(MANIFESTS / "crds")
    workspace.cluster.kubectl("apply", "--server-side", "-f", folder)
    workspace.cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", folder)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_admitted(workspace: Workspace, example: Path) -> None:
    said = workspace.cluster.kubectl(
        "apply", "--dry-run=server", "-n", workspace.namespace, "-f", str(example)
    )
    documents = [document for document in yaml.safe_load_all(example.read_text()) if document]
    assert said.count("(server dry run)") == len(documents)


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
