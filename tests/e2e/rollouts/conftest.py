"""The controller on the cluster, as people install it."""

import pytest

from tests.e2e import local_cluster
from tests.e2e.local_cluster import LocalCluster

INSTALLED_S = 600.0


@pytest.fixture(scope="session")
def controller(cluster: LocalCluster) -> None:
    """``pilotlight cluster install controller``: two replicas, one of which acts."""
    local_cluster.run("install", "controller", timeout_s=INSTALLED_S)
