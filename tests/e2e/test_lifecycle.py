"""The cluster's own life: up again, and repaired after a crash."""

import os
import signal
import time

from tests.e2e import local_cluster
from tests.e2e.local_cluster import LocalCluster
from tests.e2e.standin.service import StandInService
from tests.e2e.workspace import Workspace

AGAIN_S = 60.0
KILLED = ("kube-scheduler", "coredns")


def test_up_again_changes_nothing(cluster: LocalCluster) -> None:
    before, started = cluster.pids(), time.monotonic()
    local_cluster.run("up", timeout_s=300)
    assert cluster.pids() == before
    assert all(before.values())
    assert time.monotonic() - started < AGAIN_S


def test_a_crash_in_between_is_repaired_by_the_next_up(workspace: Workspace) -> None:
    cluster = workspace.cluster
    before = cluster.pids()
    for name in KILLED:
        os.kill(before[name], signal.SIGKILL)
    local_cluster.run("up", timeout_s=300)
    after = cluster.pids()
    changed = {name for name in before if after[name] != before[name]}
    assert changed == set(KILLED)
    assert all(part["healthy"] for part in local_cluster.read_status()["components"])
    # A new pod needs the scheduler, and the activator finds it by a name.
    endpoint = workspace.deploy(StandInService("after-the-crash"))
    assert endpoint.complete("well?").status_code == 200
