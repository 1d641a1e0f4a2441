"""The one writer of floors, in a real API server."""

import pytest

from pilotlight.api.meta import FloorClaim
from pilotlight.clock import SimulatedClock
from pilotlight.errors import Conflict, NotInCluster
from pilotlight.floors import book
from pilotlight.floors.arbiter import Arbiter
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP, INFERENCE_ROLLOUT, REVISION, WARM_POOL
from tests.controlplane.canary.platform import MIN_SCALE
from tests.controlplane.canary.scene import NAME, NOW, STABLE, Scene

pytestmark = pytest.mark.controlplane


def claim(replicas: int) -> FloorClaim:
    return FloorClaim(revision=STABLE, replicas=replicas)


@pytest.fixture
def arbiter(scene: Scene) -> Arbiter:
    return Arbiter(scene.cluster, SimulatedClock(NOW))


def pool(scene: Scene, *claims: FloorClaim) -> None:
    scene.create(WARM_POOL, {"targetRef": {"name": NAME}}, "pool")
    change = {"status": {"floors": [c.model_dump(mode="json", by_alias=True) for c in claims]}}
    scene.patch(WARM_POOL, "pool", change, subresource="status")


def test_the_larger_of_a_rollouts_and_a_pools_claim_is_written(
    scene: Scene, arbiter: Arbiter
) -> None:
    scene.claim(claim(2))
    pool(scene, claim(4))
    arbiter.settle(scene.namespace)
    assert scene.annotation(STABLE, MIN_SCALE) == "4"


def test_when_the_last_claim_ends_the_users_own_minimum_is_back_and_nothing_is_left(
    scene: Scene, arbiter: Arbiter
) -> None:
    pool(scene, claim(4))
    arbiter.settle(scene.namespace)
    scene.claim(claim(2))
    arbiter.settle(scene.namespace)
    scene.cluster.delete(Reference(WARM_POOL, "pool", scene.namespace))
    arbiter.settle(scene.namespace)
    assert scene.annotation(STABLE, MIN_SCALE) == "2"
    scene.claim()
    arbiter.settle(scene.namespace)
    assert scene.annotation(STABLE, MIN_SCALE) == "1"
    with pytest.raises(NotInCluster):
        scene.get(CONFIG_MAP, book.NAME)


def test_a_revision_without_a_minimum_loses_ours(scene: Scene, arbiter: Arbiter) -> None:
    scene.patch(REVISION, STABLE, {"metadata": {"annotations": {MIN_SCALE: None}}})
    scene.claim(claim(2))
    arbiter.settle(scene.namespace)
    scene.claim()
    arbiter.settle(scene.namespace)
    assert scene.annotation(STABLE, MIN_SCALE) is None


def test_a_rollout_that_is_being_deleted_claims_nothing(scene: Scene, arbiter: Arbiter) -> None:
    scene.claim(claim(3))
    arbiter.settle(scene.namespace)
    scene.patch(INFERENCE_ROLLOUT, NAME, {"metadata": {"finalizers": ["pilotlight.dev/test"]}})
    scene.cluster.delete(Reference(INFERENCE_ROLLOUT, NAME, scene.namespace))
    arbiter.settle(scene.namespace)
    assert scene.annotation(STABLE, MIN_SCALE) == "1"
    scene.patch(INFERENCE_ROLLOUT, NAME, {"metadata": {"finalizers": None}})


def test_an_arbiter_killed_before_it_wrote_a_floor_has_noted_the_right_one(
    scene: Scene, arbiter: Arbiter
) -> None:
    book.write(scene.cluster, scene.namespace, book.Book({}), {STABLE: 1})
    scene.claim(claim(3))
    arbiter.settle(scene.namespace)
    scene.claim()
    arbiter.settle(scene.namespace)
    assert scene.annotation(STABLE, MIN_SCALE) == "1"


def test_two_arbiters_do_not_write_the_same_book(scene: Scene, arbiter: Arbiter) -> None:
    scene.claim(claim(2))
    first, second = arbiter.look(scene.namespace), arbiter.look(scene.namespace)
    first.raise_floors()
    with pytest.raises(Conflict):
        second.raise_floors()


def test_what_is_as_claimed_is_not_written_again(scene: Scene, arbiter: Arbiter) -> None:
    scene.claim(claim(2))
    arbiter.settle(scene.namespace)
    before = scene.get(REVISION, STABLE)["metadata"]["resourceVersion"]
    arbiter.settle(scene.namespace)
    assert scene.get(REVISION, STABLE)["metadata"]["resourceVersion"] == before
