"""A namespace for each test, in an API server with everybody's kinds."""

import itertools
from collections.abc import Iterator

import pytest

from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import (
    CUSTOM_RESOURCE,
    INFERENCE_ROLLOUT,
    INFERENCE_SERVICE,
    NAMESPACE,
    REVISION,
    ROUTE,
    SCALED_OBJECT,
    WARM_POOL,
)
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.autoscaler.place import Place
from tests.controlplane.canary.conftest import wait_until_listed
from tests.controlplane.canary.definitions import define
from tests.controlplane.conftest import Kubectl

KINDS = (INFERENCE_SERVICE, REVISION, ROUTE, INFERENCE_ROLLOUT, WARM_POOL, SCALED_OBJECT)
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def warm_api(control_plane: ControlPlane, crds: None, kubectl: Kubectl) -> Iterator[ApiServer]:
    """The API server with KServe's, Knative's, KEDA's and our own kinds."""
    define(kubectl)
    kubectl("apply", "--server-side", "-f", "tests/controlplane/autoscaler/keda.yaml")
    with connect(control_plane.kubeconfig) as opened:
        name = Reference(CUSTOM_RESOURCE, "scaledobjects.keda.sh")
        wait(opened, name, has_condition("Established"), timeout_s=30)
        for kind in KINDS:
            wait_until_listed(opened, kind)
        yield opened


@pytest.fixture
def place(warm_api: ApiServer) -> Iterator[Place]:
    """A namespace of the test's own."""
    namespace = f"warm-{next(_NUMBERS)}"
    warm_api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    account = {"name": "default", "namespace": namespace}
    warm_api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    yield Place(warm_api, namespace)
    warm_api.delete(Reference(NAMESPACE, namespace))
