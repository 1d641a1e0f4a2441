"""What is seen of an InferenceService, on Knative and without."""

from typing import Any, cast

import pytest

from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight_autoscaler.kserve.observe import Observer, Seen
from pilotlight_autoscaler.kserve.pods import replica
from pilotlight_autoscaler.observation import Lever, Rollout
from tests.unit.autoscaler.kserve import objects as o
from tests.unit.autoscaler.kserve.kept import Kept

FIRST, SECOND = "chat-predictor-00001", "chat-predictor-00002"
MIN_SCALE, MAX_SCALE = "autoscaling.knative.dev/min_scale", "autoscaling.knative.dev/max_scale"


def look(*documents: Document, cluster: Kept | None = None) -> Seen | None:
    kept = cluster or Kept(*documents)
    return Observer(cast("Cluster", kept)).look("team", {"chat"}).get("chat")


def seen(*documents: Document) -> Seen:
    found = look(*documents)
    assert found is not None
    return found


def test_a_service_that_is_not_there_or_leaves_is_none() -> None:
    leaving = o.service()
    leaving["metadata"]["deletionTimestamp"] = o.MADE
    assert look() is None
    assert look(leaving) is None


def test_revisions_have_their_traffic_their_bounds_and_their_pods() -> None:
    found = seen(
        o.service(),
        o.revision(FIRST, **{MIN_SCALE: "2", MAX_SCALE: "5"}),
        o.revision(SECOND),
        o.route({FIRST: 90, SECOND: 10}),
        o.pod("a", FIRST),
        o.pod("b", FIRST, ready=False),
        o.pod("c", FIRST, ready=False, node=""),
        o.pod("d", SECOND),
    ).service
    first, second = found.revisions
    assert found.lever is Lever.KNATIVE
    assert (first.percent, first.floor, first.ceiling) == (90, 2, 5)
    assert (first.ready, first.starting) == (1, 1)
    assert first.unschedulable == "Unschedulable: 0/1 nodes: gpu"
    assert (second.percent, second.floor, second.ceiling, second.ready) == (10, 0, None, 1)


def test_while_the_gateway_changes_over_nobody_is_said_to_have_traffic() -> None:
    route = o.route({FIRST: 100}, ready="Unknown")
    assert seen(o.service(), o.revision(FIRST), route).service.revisions[0].percent == 0


def test_a_rollouts_own_route_is_no_split_of_the_services() -> None:
    own = o.route({SECOND: 100})
    own["metadata"] |= {"name": "chat-canary", "labels": {"pilotlight.dev/rollout": "chat"}}
    found = seen(o.service(), o.revision(SECOND), o.route({FIRST: 100}), own)
    assert found.service.revisions[0].percent == 0


def test_a_transformers_revision_is_told_from_the_predictors() -> None:
    found = seen(
        o.service(),
        o.revision(FIRST),
        o.revision("chat-transformer-00001", "transformer"),
        o.pod("a", FIRST),
        o.pod("t", "chat-transformer-00001", component="transformer"),
    )
    assert {one.component for one in found.service.revisions} == {"predictor", "transformer"}
    assert [pod.name for pod in found.subject.pods] == ["a"]
    assert found.subject.revisions == (FIRST,)


def test_a_replicas_gpus_are_known_while_there_is_none() -> None:
    found = seen(o.service(), o.revision(FIRST))
    assert (found.gpus_per_replica, found.service.revisions[0].ready) == (2, 0)


def test_a_quota_that_is_used_up_is_no_room() -> None:
    document = o.revision(FIRST)
    message = 'pods "x" is forbidden: exceeded quota: gpus'
    document["status"]["conditions"] = [o.entry("Ready", "False", "FailedCreate", message)]
    assert "exceeded quota" in seen(o.service(), document).service.revisions[0].unschedulable


@pytest.mark.parametrize(
    ("annotations", "defaults", "target"),
    [
        ({}, {}, 8 * 0.7),
        ({"autoscaling.knative.dev/target": "4"}, {}, 4 * 0.7),
        ({"autoscaling.knative.dev/target_utilization_percentage": "90"}, {}, 8 * 0.9),
        ({}, {"container-concurrency-target-percentage": "50"}, 4),
        ({}, {"container-concurrency-target-percentage": "0.5"}, 4),
        ({"autoscaling.knative.dev/metric": "rps"}, {}, None),
        ({"autoscaling.knative.dev/target": "many"}, {}, 8 * 0.7),
    ],
)
def test_a_replica_is_meant_for_what_knative_aims_at(
    annotations: dict[str, str], defaults: dict[str, str], target: float | None
) -> None:
    config = o.named("ConfigMap", "config-autoscaler") | {"data": defaults}
    found = seen(o.service(), o.revision(FIRST, **annotations), o.route({FIRST: 100}), config)
    assert found.service.target_concurrency == (None if target is None else pytest.approx(target))


def test_knatives_defaults_that_may_not_be_read_are_its_own_defaults() -> None:
    kept = Kept(o.service(), o.revision(FIRST))
    kept.forbidden.add("config-autoscaler")
    found = look(cluster=kept)
    assert found is not None
    assert found.service.target_concurrency == pytest.approx(5.6)


@pytest.mark.parametrize(
    ("setting", "needs_room"),
    [({"pod-is-always-schedulable": "true"}, False), ({}, True), (None, False)],
)
def test_whether_a_floor_outlives_a_lack_of_room_is_knatives_setting(
    setting: dict[str, str] | None, *, needs_room: bool
) -> None:
    config = (
        [o.named("ConfigMap", "config-deployment") | {"data": setting}]
        if setting is not None
        else []
    )
    found = seen(o.service(), o.revision(FIRST), *config)
    assert found.service.floor_needs_room is needs_room


@pytest.mark.parametrize(
    ("argument", "gpus", "levels"),
    [
        ("--enable-sleep-mode", "1", {1, 2}),
        ("vllm serve m --enable_sleep_mode", "1", {1, 2}),
        ("--enable-sleep-mode", "0", set()),
        ("--enable-prefix-caching", "1", set()),
    ],
)
def test_replicas_sleep_where_vllm_was_told_to_on_a_gpu(
    argument: str, gpus: str, levels: set[int]
) -> None:
    document = o.revision(FIRST)
    resources = {"limits": {"nvidia.com/gpu": gpus}}
    document["spec"]["containers"] = [{"args": [argument], "resources": resources}]
    assert seen(o.service(), document).service.sleep_levels == levels


def rollout(phase: str, **status: object) -> Document:
    both = {"stableRevision": FIRST, "canaryRevision": SECOND, "weight": 25}
    return o.named("InferenceRollout", "r") | {
        "apiVersion": "pilotlight.dev/v1alpha1",
        "spec": {"targetRef": {"name": "chat"}},
        "status": {"phase": phase} | both | status,
    }


def test_a_rollout_under_way_names_both_revisions_and_the_weight() -> None:
    found = seen(o.service(), o.revision(FIRST), rollout("Progressing"))
    assert found.rollout == Rollout(FIRST, SECOND, 25)


@pytest.mark.parametrize(
    "other",
    [
        rollout("Succeeded"),
        rollout("RolledBack"),
        rollout("Progressing", component="transformer"),
        rollout("Progressing", canaryRevision=""),
        rollout("Progressing", surprise=1),
    ],
)
def test_no_other_rollout_counts(other: Document) -> None:
    assert seen(o.service(), o.revision(FIRST), other).rollout is None


def standard_pod(name: str, deployment: str = "chat-predictor") -> Document:
    document = o.pod(name)
    document["metadata"]["labels"] = o.of_service()
    owner = {"kind": "ReplicaSet", "name": f"{deployment}-6f9c"}
    document["metadata"]["ownerReferences"] = [owner]
    return document


def test_without_knative_the_deployment_has_the_place_of_a_revision() -> None:
    found = seen(
        o.service("Standard", minReplicas=2, maxReplicas=6, containerConcurrency=4),
        o.deployment(),
        standard_pod("a"),
        standard_pod("canary", "chat-v2-predictor"),
    )
    [revision] = found.service.revisions
    assert found.service.lever is Lever.STANDARD
    assert (revision.name, revision.percent, revision.ready) == ("chat-predictor", 100, 1)
    assert (revision.floor, revision.ceiling, found.gpus_per_replica) == (2, 6, 1)
    assert found.service.target_concurrency == 4
    assert (found.subject.revisions, len(found.subject.pods)) == ((), 1)


@pytest.mark.parametrize(
    ("spec", "scaler", "lever", "floor"),
    [
        ({}, "", Lever.STANDARD, 1),
        ({"minReplicas": 0}, "hpa", Lever.STANDARD, 1),
        ({"minReplicas": 0}, "keda", Lever.KEDA, 0),
        ({}, "keda", Lever.KEDA, 1),
        ({"minReplicas": 3}, "none", Lever.STANDARD, 3),
        ({"minReplicas": 0}, "none", Lever.STANDARD, 0),
    ],
)
def test_the_floor_is_what_kserve_makes_of_min_replicas(
    spec: dict[str, Any], scaler: str, lever: Lever, floor: int
) -> None:
    found = seen(o.service("Standard", scaler, **spec), o.deployment()).service
    assert (found.lever, found.revisions[0].floor) == (lever, floor)


def test_a_users_own_scaled_object_holds_the_floor_of_an_external_service() -> None:
    mine = o.scaled_object(minReplicaCount=3, maxReplicaCount=9)
    found = seen(o.service("Standard", "external"), o.deployment(), mine).service
    assert (found.lever, found.revisions[0].floor, found.revisions[0].ceiling) == (
        Lever.KEDA,
        3,
        9,
    )


def test_where_nobody_known_scales_no_floor_can_be_held() -> None:
    other = o.scaled_object(target="another")
    found = seen(o.service("RawDeployment", "external"), o.deployment(), other).service
    assert (found.revisions[0].floor, found.revisions[0].ceiling) == (0, 0)


def test_a_namespace_takes_the_same_few_lists_for_any_number_of_services() -> None:
    services = []
    for number in range(50):
        document = o.service()
        document["metadata"]["name"] = f"s{number}"
        services.append(document)
    kept = Kept(*services)
    names = {f"s{number}" for number in range(50)}
    assert len(Observer(cast("Cluster", kept)).look("team", names)) == 50
    assert len(kept.lists) == 5


def test_a_replica_is_asked_at_its_servers_port() -> None:
    found = replica(o.pod("a"))
    assert (found.address, found.port, found.path) == ("10.0.0.7", 9000, "/metrics")


def test_a_start_is_measured_from_the_pods_creation() -> None:
    found = replica(o.pod("a"))
    assert (found.waited_s, found.started_s) == (25, 70)


def test_a_server_that_was_restarted_tells_nothing_of_a_start() -> None:
    found = replica(o.pod("a", restarts=1))
    assert (found.waited_s, found.started_s) == (None, None)


def test_who_is_ready_again_after_hours_has_not_started_for_hours() -> None:
    document = o.pod("a")
    document["metadata"]["creationTimestamp"] = "2026-11-21T03:00:00Z"
    assert replica(document).started_s is None
