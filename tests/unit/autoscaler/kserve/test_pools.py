"""WarmPools' statuses and their end."""

from typing import cast

import pytest

from pilotlight.api.meta import FloorClaim
from pilotlight.api.stored import understood, write_status
from pilotlight.api.warmpool import WarmPool, WarmPoolStatus
from pilotlight.errors import Conflict, ManifestError, NotReached
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight.kube.kinds import WARM_POOL
from pilotlight_autoscaler.kserve import pools
from pilotlight_autoscaler.kserve.act import Targets
from tests.unit.autoscaler.kserve import objects as o
from tests.unit.autoscaler.kserve.kept import Kept

STATUS = WarmPoolStatus(floor=2, floors=(FloorClaim(revision="r", replicas=2),))


def pool(**metadata: object) -> Document:
    return o.named("WarmPool", "pool", **metadata) | {
        "apiVersion": "pilotlight.dev/v1alpha1",
        "spec": {"targetRef": {"name": "chat"}},
    }


class Settling:
    """A target that remembers where it settled, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.namespaces: list[str] = []
        self.fails = fails

    def settle(self, namespace: str) -> None:
        if self.fails:
            raise NotReached("no answer")
        self.namespaces.append(namespace)


def stored(kept: Kept) -> Document:
    return kept.documents["WarmPool", "pool"]


def test_a_status_is_written_once() -> None:
    kept = Kept(pool())
    after = write_status(cast("Cluster", kept), WARM_POOL, pool(), STATUS)
    assert write_status(cast("Cluster", kept), WARM_POOL, after, STATUS) is after
    assert kept.written == ["pool"]
    assert stored(kept)["status"]["floors"] == [{"revision": "r", "replicas": 2}]


def test_a_pool_that_somebody_wrote_to_is_not_overwritten() -> None:
    kept = Kept(pool())
    kept.edit("WarmPool", "pool", {"spec": {"mode": "DryRun"}})
    with pytest.raises(Conflict):
        write_status(cast("Cluster", kept), WARM_POOL, pool(), STATUS)


def test_a_pool_that_cannot_be_understood_says_why() -> None:
    with pytest.raises(ManifestError, match=r"WarmPool team/pool: spec\.maxReplicas"):
        understood(WarmPool, pool() | {"spec": {"targetRef": {"name": "chat"}, "maxReplicas": -1}})


def test_a_deleted_pool_stays_until_what_it_held_is_given_back() -> None:
    kept = Kept(pool(finalizers=["somebody.else/s"]))
    held = pools.keep_until_released(cast("Cluster", kept), stored(kept))
    assert stored(kept)["metadata"]["finalizers"] == ["somebody.else/s", pools.FINALIZER]
    with pytest.raises(NotReached):
        pools.release(cast("Cluster", kept), Settling(fails=True), held)
    assert pools.FINALIZER in stored(kept)["metadata"]["finalizers"]
    settling = Settling()
    pools.release(cast("Cluster", kept), settling, held)
    assert settling.namespaces == ["team"]
    assert stored(kept)["metadata"]["finalizers"] == ["somebody.else/s"]


def test_a_pool_that_is_being_deleted_gets_no_finalizer() -> None:
    kept = Kept(pool(deletionTimestamp=o.MADE))
    pools.keep_until_released(cast("Cluster", kept), stored(kept))
    assert kept.written == []


def test_before_removal_nothing_is_claimed_and_no_pool_is_kept() -> None:
    kept = Kept(pool(finalizers=[pools.FINALIZER]) | {"status": {"floors": [{"revision": "r"}]}})
    settling = Settling()
    assert pools.release_all(cast("Cluster", kept), settling) == ["team"]
    assert stored(kept)["status"]["floors"] == []
    assert stored(kept)["metadata"]["finalizers"] == []
    assert settling.namespaces == ["team"]


def test_a_lever_that_fails_does_not_keep_the_next_one_back() -> None:
    works = Settling()
    with pytest.raises(NotReached):
        Targets((Settling(fails=True), works)).settle("team")
    assert works.namespaces == ["team"]
