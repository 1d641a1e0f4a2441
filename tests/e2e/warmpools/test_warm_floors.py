"""A floor moves replicas and nothing else."""

import time

import pytest

from tests.e2e.local_cluster import LocalCluster
from tests.e2e.standin.service import StandInService
from tests.e2e.traffic import Load, Traffic, lost
from tests.e2e.waiting import until
from tests.e2e.warmpools.warmed import Warmed
from tests.e2e.workspace import Workspace

pytestmark = pytest.mark.usefixtures("controllers")
DWELL_S = 8


def test_a_floor_makes_no_new_revision_and_loses_no_request(workspace: Workspace) -> None:
    warmed = Warmed(workspace, "steady")
    endpoint = warmed.deploy()
    before = [revision["metadata"]["name"] for revision in warmed.revisions()]
    with Traffic(endpoint, Load(rate=15)) as traffic:
        warmed.pool(minReplicas=3, maxReplicas=3, stabilizationWindowSeconds=0)
        warmed.until_floor(3)
        until("three replicas answer", lambda: warmed.ready() == 3, 60)
        time.sleep(DWELL_S)
        warmed.pool(minReplicas=1, maxReplicas=3, stabilizationWindowSeconds=0)
        warmed.until_floor(1)
        until("two of them leave", lambda: warmed.ready() == 1, 90)
        # Those that leave still answer what was under way to them.
        time.sleep(DWELL_S)
        warmed.release()
        until("the floor is as it was", lambda: warmed.floor() in (None, "0"), 30)
    assert len(traffic.ended()) > 150
    assert not lost(traffic.ended())
    assert [revision["metadata"]["name"] for revision in warmed.revisions()] == before


def test_a_warm_pod_without_room_does_not_cancel_the_floor(
    workspace: Workspace, cluster: LocalCluster
) -> None:
    warmed = Warmed(workspace, "crowded")
    service = StandInService(warmed.name)
    manifest = service.inference_service()
    (container,) = manifest["spec"]["predictor"]["containers"]
    # One of them fits on the node's two cores, and no other.
    container["resources"]["requests"]["cpu"] = "1100m"
    container["resources"]["limits"]["cpu"] = "2"
    workspace.apply([service.manifests()[0], manifest])
    endpoint = workspace.endpoint(warmed.name, "standin", 60)
    warmed.pool(minReplicas=2, maxReplicas=2)
    warmed.until_floor(2)
    until("somebody hears of it", lambda: _condition(warmed, "Schedulable") == "False", 60)
    # Longer than Knative takes to believe that a revision without room is broken.
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        assert warmed.floor() == "2"
        assert warmed.ready() == 1
        assert endpoint.complete("are you there?", 10).status_code == 200
        time.sleep(1)
    warmed.pool(minReplicas=1, maxReplicas=2, stabilizationWindowSeconds=0)
    until("nobody waits for room", lambda: len(workspace.pods(warmed.name, leaving=False)) == 1, 60)
    until("all is well", lambda: _condition(warmed, "Schedulable") == "True", 60)


def _condition(warmed: Warmed, type_: str) -> str:
    found = {condition.type: condition.status for condition in warmed.status().conditions}
    return found.get(type_, "")
