"""The cluster's end: gone without a trace. Apart, as nothing can be tidied up after it."""

import pytest

from tests.e2e import local_cluster
from tests.e2e.footprint import Footprint, footprint
from tests.e2e.local_cluster import LocalCluster


def test_down_leaves_nothing(
    cluster: LocalCluster, started_here: bool, footprint_before: Footprint
) -> None:
    if not started_here:
        pytest.skip("the cluster ran before this session, and is not its to end")
    local_cluster.run("down", timeout_s=300)
    assert footprint().beyond(footprint_before) == {}
    assert not local_cluster.read_status()["running"]
