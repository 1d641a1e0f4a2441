"""Pilotlight's own definitions in the tests' API server."""

from pilotlight.kube.access import connect
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CUSTOM_RESOURCE
from pilotlight.kube.waiting import has_condition, wait
from tests.controlplane.conftest import Kubectl

PLURALS = ("inferencerollouts", "warmpools")


def define(kubectl: Kubectl) -> None:
    """Apply them, and wait until the API server serves them."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "manifests/crds")
    with connect(kubectl.kubeconfig) as cluster:
        for plural in PLURALS:
            name = Reference(CUSTOM_RESOURCE, f"{plural}.pilotlight.dev")
            wait(cluster, name, has_condition("Established"), timeout_s=30)
