"""A namespace for each test that wants one."""

import itertools
import time
from collections.abc import Iterator

import pytest

from pilotlight.errors import ClusterError
from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Kind, Reference
from pilotlight.kube.kinds import (
    CONFIGURATION,
    INFERENCE_ROLLOUT,
    INFERENCE_SERVICE,
    KNATIVE_SERVICE,
    NAMESPACE,
    REVISION,
    ROUTE,
    WARM_POOL,
)
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.canary.definitions import define
from tests.controlplane.canary.scene import Scene
from tests.controlplane.conftest import Kubectl

KINDS = (
    INFERENCE_SERVICE, KNATIVE_SERVICE, CONFIGURATION, REVISION, ROUTE,
    INFERENCE_ROLLOUT, WARM_POOL,
)  # fmt: skip
STORAGE_S = 30.0
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane, crds: None, kubectl: Kubectl) -> Iterator[ApiServer]:
    """The API server with KServe's, Knative's and our own kinds."""
    define(kubectl)
    with connect(control_plane.kubeconfig) as opened:
        for kind in KINDS:
            wait_until_listed(opened, kind)
        yield opened


def wait_until_listed(cluster: ApiServer, kind: Kind) -> None:
    """A kind just defined is refused for a moment: its storage is being made."""
    deadline = time.monotonic() + STORAGE_S
    while True:
        try:
            cluster.list(kind)
        except ClusterError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def scene(api: ApiServer) -> Iterator[Scene]:
    """An InferenceService at its first version, and its rollout."""
    namespace = f"canary-scene-{next(_NUMBERS)}"
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    # Kubernetes' controllers, which would make it, do not run here, and pods need it.
    account = {"name": "default", "namespace": namespace}
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    scene = Scene(api, namespace)
    scene.begin()
    yield scene
    api.delete(Reference(NAMESPACE, namespace))
