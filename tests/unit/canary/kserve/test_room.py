"""How many pods more a cluster takes."""

from typing import Any

import pytest

from pilotlight.kube.document import Document
from pilotlight.kube.quantity import quantity
from pilotlight_canary.kserve.room import room

GPU = "nvidia.com/gpu"


def node(name: str = "n", gpus: int = 4, **spec: Any) -> Document:
    return {
        "metadata": {"name": name, "labels": {"gpu": "h200"}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": "16", "memory": "128Gi", "pods": "110", GPU: str(gpus)},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def template(gpus: int = 1, **spec: Any) -> Document:
    resources = {"requests": {"cpu": "500m", "memory": "4Gi"}, "limits": {GPU: str(gpus)}}
    return {"spec": {"containers": [{"resources": resources}], **spec}}


def pod(gpus: int = 1, place: str = "n", phase: str = "Running") -> Document:
    spec = {**template(gpus)["spec"], "nodeName": place}
    return {"spec": spec, "status": {"phase": phase}}


def quota(name: str, used: str, hard: str) -> Document:
    return {"metadata": {"name": "q"}, "status": {"hard": {name: hard}, "used": {name: used}}}


def test_gpus_that_pods_hold_are_not_free() -> None:
    found = room(template(), [node()], [pod(), pod(2)], [], 3)
    assert found.replicas == 1
    assert "room for 1 of 3 more pods: nvidia.com/gpu runs out" in found.reason


def test_no_more_is_counted_than_was_asked_for() -> None:
    found = room(template(), [node()], [], [], 2)
    assert (found.replicas, found.reason) == (2, "")


def test_a_pod_is_not_spread_over_two_nodes() -> None:
    assert room(template(3), [node("a", 2), node("b", 2)], [], [], 1).replicas == 0


def test_pods_that_have_ended_hold_nothing() -> None:
    assert room(template(), [node(gpus=1)], [pod(phase="Succeeded")], [], 1).replicas == 1


@pytest.mark.parametrize(
    "spec",
    [
        {"unschedulable": True},
        {"taints": [{"key": "reserved", "value": "x", "effect": "NoSchedule"}]},
    ],
)
def test_a_node_that_takes_no_pods_has_no_room(spec: dict[str, Any]) -> None:
    found = room(template(), [node(**spec)], [], [], 1)
    assert found.replicas == 0
    assert "none of 1 nodes" in found.reason


def test_a_taint_that_is_tolerated_keeps_nobody_away() -> None:
    tainted = node(taints=[{"key": "gpu", "value": "x", "effect": "NoSchedule"}])
    tolerations = [{"key": "gpu", "operator": "Exists"}]
    assert room(template(tolerations=tolerations), [tainted], [], [], 1).replicas == 1


@pytest.mark.parametrize(("wanted", "expected"), [("h200", 1), ("a100", 0)])
def test_node_selectors_and_affinity_are_honoured(wanted: str, expected: int) -> None:
    expression = {"key": "gpu", "operator": "In", "values": [wanted]}
    terms = [{"matchExpressions": [expression]}]
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
        }
    }
    assert room(template(affinity=affinity), [node()], [], [], 1).replicas == expected
    assert room(template(nodeSelector={"gpu": wanted}), [node()], [], [], 1).replicas == expected


@pytest.mark.parametrize(
    ("name", "used", "hard"),
    [
        (f"requests.{GPU}", "1", "2"),
        ("pods", "9", "10"),
        ("requests.cpu", "500m", "1"),
        ("memory", "1Gi", "6Gi"),
    ],
)
def test_a_quota_bounds_it_and_is_named(name: str, used: str, hard: str) -> None:
    found = room(template(), [node()], [], [quota(name, used, hard)], 2)
    assert found.replicas == 1
    assert f"quota q: {name} is" in found.reason


def test_an_init_container_counts_only_where_it_needs_more() -> None:
    heavy = template(initContainers=[{"resources": {"requests": {"cpu": "12"}}}])
    assert room(heavy, [node()], [], [], 2).replicas == 1


@pytest.mark.parametrize(
    ("text", "value"), [("250m", "0.25"), ("4Gi", str(4 * 2**30)), ("1e3", "1000"), (2, "2")]
)
def test_quantities_are_read_as_kubernetes_writes_them(text: str | int, value: str) -> None:
    assert quantity(text) == quantity(value)


def test_nonsense_is_no_quantity() -> None:
    with pytest.raises(ValueError, match="'x' is no quantity"):
        quantity("x")
