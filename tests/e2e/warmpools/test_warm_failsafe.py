"""Without the controller the safe floor holds: the CronJob of the installation sees to it."""

from collections.abc import Iterator

import pytest

from pilotlight.api.warmpool import Reason
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import DEPLOYMENT
from pilotlight_autoscaler.controller.settings import LEASE
from tests.e2e.leader import NAMESPACE, Leader
from tests.e2e.local_cluster import LocalCluster
from tests.e2e.waiting import until
from tests.e2e.warmpools.warmed import Warmed
from tests.e2e.workspace import Workspace

CONTROLLER = Reference(DEPLOYMENT, "pilotlight-warmpool-controller", NAMESPACE)
TTL_S = 30
SAFE = {"ttlSeconds": TTL_S, "replicas": 1}
CRON_S = 60
BACK_S = 120.0


@pytest.fixture(scope="module")
def sleeping(workspace: Workspace, controllers: None) -> Warmed:
    """Asleep, with a pool that is content with that."""
    warmed = Warmed(workspace, "alone")
    warmed.deploy()
    warmed.pool(failSafe=SAFE, stabilizationWindowSeconds=0)
    warmed.until_floor(0)
    warmed.until_asleep()
    return warmed


@pytest.fixture
def deserted(sleeping: Warmed, cluster: LocalCluster) -> Iterator[Warmed]:
    """Its controller is away, and comes back afterwards."""
    cluster.api.patch(CONTROLLER, {"spec": {"replicas": 0}})
    yield sleeping
    cluster.api.patch(CONTROLLER, {"spec": {"replicas": 2}})


def test_a_killed_controller_is_succeeded(sleeping: Warmed, cluster: LocalCluster) -> None:
    leader = Leader(cluster, LEASE)
    leader.replaced(leader.kill())
    sleeping.pool(maxReplicas=2, failSafe=SAFE, stabilizationWindowSeconds=0)
    generation = sleeping.read().metadata.generation
    until("the next one has seen it", lambda: _seen(sleeping) == generation, BACK_S)
    assert sleeping.floor() == "0"


def test_without_a_controller_the_safe_floor_is_held(deserted: Warmed) -> None:
    # The Job takes some seconds to start.
    deserted.until_floor(1, TTL_S + 2 * CRON_S)
    until("the replica answers", lambda: deserted.ready() == 1, 60)
    assert deserted.status().reason is Reason.FAIL_SAFE


def test_who_comes_back_decides_anew(sleeping: Warmed) -> None:
    sleeping.until_floor(0, BACK_S)
    assert sleeping.status().reason is Reason.MINIMUM


def _seen(warmed: Warmed) -> int:
    return warmed.status().observed_generation
