"""Floors of warm pools in a real API server: claimed, settled, and given back."""

from datetime import UTC, datetime

import pytest

from pilotlight.api.meta import FloorClaim
from pilotlight.api.stored import understood, write_status
from pilotlight.api.warmpool import WarmPool
from pilotlight.errors import Conflict, NotInCluster
from pilotlight.kube.kinds import (
    INFERENCE_ROLLOUT,
    INFERENCE_SERVICE,
    REVISION,
    SCALED_OBJECT,
    WARM_POOL,
)
from pilotlight_autoscaler.kserve import pools
from pilotlight_autoscaler.metrics.store import TraceStore
from pilotlight_autoscaler.metrics.trace import Progress, Trace
from pilotlight_autoscaler.observation import Lever
from tests.controlplane.autoscaler.place import DEPLOYED, FIRST, NOW, SECOND, SERVICE, Place

pytestmark = pytest.mark.controlplane


def test_a_published_claim_is_the_revisions_minimum_and_makes_no_other_change(
    place: Place,
) -> None:
    place.on_knative(FIRST, SECOND)
    place.pool()
    before = place.get(REVISION, FIRST)
    place.claim(2, FIRST)
    after = place.get(REVISION, FIRST)
    assert (place.floor(FIRST), place.floor(SECOND)) == ("2", "0")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert place.seen().service.revisions[0].floor == 2


def test_a_pool_and_a_rollout_hold_the_larger_of_both_claims(place: Place) -> None:
    place.on_knative(FIRST)
    place.pool()
    place.create(INFERENCE_ROLLOUT, "r", {"targetRef": {"name": SERVICE}})
    place.status(INFERENCE_ROLLOUT, "r", {"floors": [{"revision": FIRST, "replicas": 3}]})
    place.claim(2, FIRST)
    assert place.floor() == "3"
    place.delete(INFERENCE_ROLLOUT, "r")
    place.settle()
    assert place.floor() == "2"


def test_two_pools_of_one_service_hold_the_larger_claim(place: Place) -> None:
    place.on_knative(FIRST)
    for name, replicas in (("pool", 2), ("other", 4)):
        place.pool(name)
        place.claim(replicas, FIRST, name)
    assert place.floor() == "4"
    place.delete(WARM_POOL, "other")
    place.settle()
    assert place.floor() == "2"


@pytest.mark.parametrize("minimum", ["1", None])
def test_a_deleted_pool_gives_back_what_it_held_before_it_goes(
    place: Place, minimum: str | None
) -> None:
    place.on_knative(FIRST, minimum=minimum)
    place.pool()
    pools.keep_until_released(place.cluster, place.get(WARM_POOL, "pool"))
    place.claim(3, FIRST)
    place.delete(WARM_POOL, "pool")
    # It is still there, with its claim, and counts no more.
    leaving = place.get(WARM_POOL, "pool")
    pools.release(place.cluster, place.targets, leaving)
    assert place.floor() == minimum
    assert place.records() == set()
    with pytest.raises(NotInCluster):
        place.get(WARM_POOL, "pool")


def test_a_pool_that_went_while_nobody_watched_is_given_back_at_the_next_settling(
    place: Place,
) -> None:
    place.on_knative(FIRST, minimum="1")
    place.pool()
    place.claim(3, FIRST)
    place.delete(WARM_POOL, "pool")
    place.settle()
    assert (place.floor(), place.records()) == ("1", set())


def test_a_claim_that_expires_is_given_back(place: Place) -> None:
    place.on_knative(FIRST)
    place.pool()
    place.claim(3, FIRST, expires_at=datetime.fromtimestamp(NOW + 60, UTC))
    assert place.floor() == "3"
    place.clock.advance(61)
    place.settle()
    assert place.floor() == "0"


def test_a_service_deleted_and_made_anew_leaks_no_floor(place: Place) -> None:
    place.on_knative(FIRST)
    place.pool()
    place.claim(3, FIRST)
    place.delete(REVISION, FIRST)
    place.delete(INFERENCE_SERVICE, SERVICE)
    place.settle()
    assert place.observer.look(place.namespace, {SERVICE}) == {}
    place.delete(WARM_POOL, "pool")
    place.settle()
    assert place.records() == set()


def test_a_pool_that_turns_to_another_revision_lets_go_of_the_first(place: Place) -> None:
    place.on_knative(FIRST, SECOND)
    place.pool()
    place.claim(3, FIRST)
    place.claim(2, SECOND)
    assert (place.floor(FIRST), place.floor(SECOND)) == ("0", "2")


def test_a_status_of_an_older_look_is_not_stored(place: Place) -> None:
    place.on_knative(FIRST)
    place.pool()
    old = place.get(WARM_POOL, "pool")
    place.claim(2, FIRST)
    status = understood(WarmPool, old).status.model_copy(
        update={"floors": (FloorClaim(revision=FIRST, replicas=9),)}
    )
    with pytest.raises(Conflict):
        write_status(place.cluster, WARM_POOL, old, status)


def test_without_knative_the_services_minimum_is_held_and_given_back(place: Place) -> None:
    place.service("Standard", minReplicas=1, maxReplicas=5)
    place.deployment()
    place.pool()
    before = place.get(INFERENCE_SERVICE, SERVICE)
    seen = place.seen()
    assert (seen.service.lever, seen.gpus_per_replica) == (Lever.STANDARD, 1)
    assert seen.service.revisions[0].name == DEPLOYED
    place.claim(3, DEPLOYED)
    after = place.get(INFERENCE_SERVICE, SERVICE)
    assert place.minimum() == 3
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")
    assert place.seen().service.revisions[0].floor == 3
    place.delete(WARM_POOL, "pool")
    place.settle()
    assert place.minimum() == 1
    assert place.records() == set()


def test_without_a_minimum_of_its_own_the_field_goes_away_again(place: Place) -> None:
    place.service("Standard")
    place.pool()
    place.claim(2, DEPLOYED)
    assert place.minimum() == 2
    place.delete(WARM_POOL, "pool")
    place.settle()
    assert place.minimum() is None


def test_a_minimum_that_its_owner_changes_meanwhile_is_theirs_in_the_end(place: Place) -> None:
    place.service("Standard", minReplicas=1)
    place.pool()
    place.claim(4, DEPLOYED)
    change = {"spec": {"predictor": {"minReplicas": 2}}}
    place.patch(INFERENCE_SERVICE, SERVICE, change)
    place.settle()
    assert place.minimum() == 4
    place.delete(WARM_POOL, "pool")
    place.settle()
    assert place.minimum() == 2


def test_a_scaled_object_of_the_users_own_is_held_and_given_back(place: Place) -> None:
    place.service("Standard", "external")
    place.deployment()
    target = {"scaleTargetRef": {"name": DEPLOYED}, "triggers": [{"type": "cron"}]}
    spec = target | {"minReplicaCount": 1, "idleReplicaCount": 0, "maxReplicaCount": 5}
    place.create(SCALED_OBJECT, "mine", spec)
    place.pool()
    assert place.seen().service.lever is Lever.KEDA
    assert place.seen().service.revisions[0].floor == 0
    place.claim(3, DEPLOYED)
    held = target | {"minReplicaCount": 3, "maxReplicaCount": 5}
    assert place.get(SCALED_OBJECT, "mine")["spec"] == held
    assert place.minimum() is None
    place.delete(WARM_POOL, "pool")
    place.settle()
    assert place.get(SCALED_OBJECT, "mine")["spec"] == spec


def test_kserves_own_scaled_object_follows_the_services_field(place: Place) -> None:
    place.service("Standard", "keda", minReplicas=0)
    place.pool()
    place.claim(2, DEPLOYED)
    assert place.minimum() == 2
    place.claim(0, DEPLOYED)
    assert place.minimum() == 0


def test_before_removal_everything_is_given_back(place: Place) -> None:
    place.on_knative(FIRST, minimum="1")
    place.pool()
    pools.keep_until_released(place.cluster, place.get(WARM_POOL, "pool"))
    place.claim(3, FIRST)
    assert place.namespace in pools.release_all(place.cluster, place.targets)
    assert (place.floor(), place.records()) == ("1", set())
    place.delete(WARM_POOL, "pool")
    with pytest.raises(NotInCluster):
        place.get(WARM_POOL, "pool")


def test_a_history_is_kept_with_its_pool(place: Place) -> None:
    place.pool()
    pool = understood(WarmPool, place.get(WARM_POOL, "pool"))
    store = TraceStore(place.cluster)
    store.save(pool, Trace(progress=Progress(at=NOW, total=7)))
    store.save(pool, Trace(progress=Progress(at=NOW, total=8)))
    assert store.load(pool).progress.total == 8
