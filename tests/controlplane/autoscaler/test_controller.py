"""The controller's process: floors follow the pools, whoever is killed or comes in between."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pilotlight.errors import NotInCluster
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import EVENT, INFERENCE_SERVICE, LEASE, REVISION, WARM_POOL
from pilotlight_autoscaler.controller.settings import LEASE as NAME
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.autoscaler.place import (
    CONTAINER,
    FIRST,
    MIN_SCALE,
    SECOND,
    SERVICE,
    Place,
)
from tests.controlplane.process import PROGRAM, Controller, await_

OLD = "2020-01-01T00:00:00.000000Z"


def office(replicas: int = 1, start_in_s: float = -3600, lasts_s: float = 7200) -> dict[str, Any]:
    """A schedule that holds from then on."""
    start = datetime.now(UTC) + timedelta(seconds=start_in_s)
    end = start + timedelta(seconds=lasts_s)
    return {
        "timezone": "UTC",
        "start": f"{start:%M %H} * * *",
        "end": f"{end:%M %H} * * *",
        "desiredReplicas": replicas,
    }


@pytest.fixture
def warm(place: Place) -> Place:
    """A service of one revision, asleep."""
    place.on_knative(FIRST, SECOND)
    return place


@pytest.fixture
def controller(control_plane: ControlPlane, warm: Place, tmp_path: Path) -> Iterator[Controller]:
    made = Controller(control_plane.kubeconfig, warm.namespace, tmp_path, part="warmpool")
    with made as running:
        yield running


def pool(place: Place, name: str = "pool", **spec: Any) -> None:
    chosen = {"targetRef": {"name": SERVICE}, "forecast": False, "maxReplicas": 3} | spec
    place.create(WARM_POOL, name, chosen)


def status(place: Place, name: str = "pool") -> Document:
    found: Document = place.get(WARM_POOL, name).get("status") or {}
    return found


def until_floor(place: Place, replicas: str | None, revision: str = FIRST) -> None:
    def told() -> str:
        pools = [one.get("status") for one in place.cluster.list(WARM_POOL, place.namespace)]
        return f"it is {place.floor(revision)}: {pools}"

    await_(lambda: place.floor(revision) == replicas, 20, told)


def events(place: Place) -> set[str]:
    return {str(event["reason"]) for event in place.cluster.list(EVENT, place.namespace)}


def test_a_schedule_holds_its_replicas_on_the_revision_with_the_traffic(
    warm: Place, controller: Controller
) -> None:
    pool(warm, schedules=[office(2)])
    until_floor(warm, "2")
    assert warm.floor(SECOND) == "0"
    await_(lambda: events(warm) == {"FloorRaised"}, 10, lambda: str(events(warm)))
    told = status(warm)
    assert (told["floor"], told["reason"], told["observedGeneration"]) == (2, "schedule", 1)
    assert controller.metric("pilotlight_warmpool_floor_replicas", pool="pool") == 2


def test_a_changed_pool_is_followed_at_once(warm: Place, controller: Controller) -> None:
    pool(warm, minReplicas=1, stabilizationWindowSeconds=0)
    until_floor(warm, "1")
    warm.patch(WARM_POOL, "pool", {"spec": {"minReplicas": 3}})
    until_floor(warm, "3")
    warm.patch(WARM_POOL, "pool", {"spec": {"minReplicas": 0}})
    until_floor(warm, "0")


def test_a_deleted_pool_gives_back_what_was_there_before(
    warm: Place, controller: Controller
) -> None:
    warm.patch(REVISION, FIRST, {"metadata": {"annotations": {MIN_SCALE: "1"}}})
    pool(warm, minReplicas=2)
    until_floor(warm, "2")
    warm.delete(WARM_POOL, "pool")
    until_floor(warm, "1")
    await_(lambda: not warm.cluster.list(WARM_POOL, warm.namespace), 10)
    await_(lambda: "pilotlight-floors" not in warm.records(), 10)


def test_a_service_that_is_gone_is_let_go_and_found_again(
    warm: Place, controller: Controller
) -> None:
    pool(warm, minReplicas=1)
    until_floor(warm, "1")
    warm.delete(INFERENCE_SERVICE, SERVICE)
    await_(lambda: status(warm).get("reason") == "no-target", 20, lambda: str(status(warm)))
    until_floor(warm, "0")
    warm.service()
    until_floor(warm, "1")


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    warm: Place, controller: Controller
) -> None:
    pool(warm, mode="DryRun", minReplicas=2)
    await_(lambda: status(warm).get("floor") == 2, 20)
    assert warm.floor() == "0"
    assert not status(warm).get("floors")
    assert not events(warm)


def test_who_is_killed_is_succeeded_and_nothing_flaps(
    warm: Place, controller: Controller, control_plane: ControlPlane, tmp_path: Path
) -> None:
    pool(warm, minReplicas=2)
    until_floor(warm, "2")
    before = warm.get(REVISION, FIRST)["metadata"]["resourceVersion"]
    second = Controller(
        control_plane.kubeconfig, warm.namespace, tmp_path, name="second", part="warmpool"
    )
    with second as running:
        await_(lambda: running.get("/readyz")[0] == 200, 20)
        controller.kill()
        leading = "pilotlight_warmpool_leading"
        await_(lambda: running.metric(leading) == 1, 20)
        warm.patch(WARM_POOL, "pool", {"spec": {"targetRef": {"name": SERVICE}, "priority": None}})
        await_(
            lambda: running.metric("pilotlight_warmpool_looks_total", outcome="decided") >= 1, 20
        )
        assert warm.get(REVISION, FIRST)["metadata"]["resourceVersion"] == before
        warm.patch(WARM_POOL, "pool", {"spec": {"minReplicas": 3}})
        until_floor(warm, "3")


def test_one_budget_holds_for_two_namespaces(
    warm_api: ApiServer, control_plane: ControlPlane, tmp_path: Path
) -> None:
    places = [Place(warm_api, name) for name in ("shared-a", "shared-b")]
    gpu: dict[str, Any] = {**CONTAINER} | {"resources": {"limits": {"nvidia.com/gpu": 1}}}
    for place in places:
        metadata = {"name": place.namespace}
        warm_api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        account = {"name": "default", "namespace": place.namespace}
        warm_api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        place.on_knative(FIRST)
        place.patch(REVISION, FIRST, {"spec": {"containers": [gpu]}})
    first, second = places
    budget = {"group": "h200", "gpus": 1}
    both = f"{first.namespace},{second.namespace}"
    with Controller(control_plane.kubeconfig, both, tmp_path, part="warmpool"):
        pool(first, minReplicas=1, budget=budget)
        until_floor(first, "1")
        pool(second, minReplicas=1, budget=budget)
        await_(lambda: status(second).get("reason") == "budget", 20, lambda: str(status(second)))
        assert second.floor() == "0"
        assert status(second)["granted"] == 0
        first.delete(WARM_POOL, "pool")
        until_floor(second, "1")
        assert first.floor() == "0"
        second.delete(WARM_POOL, "pool")
        until_floor(second, "0")


def test_without_the_controller_the_failsafe_holds_the_safe_floor(
    warm: Place, controller: Controller, control_plane: ControlPlane
) -> None:
    pool(warm, failSafe={"replicas": 2, "ttlSeconds": 30}, stabilizationWindowSeconds=0)
    await_(lambda: bool(status(warm).get("floors")), 20)
    assert warm.floor() == "0"
    alive = failsafe(control_plane, warm)
    assert (alive["pools"], alive["rescued"]) == (1, [])
    controller.kill()
    lease = Reference(LEASE, NAME, warm.namespace)
    warm.cluster.patch(lease, {"spec": {"renewTime": OLD}})
    (rescued,) = failsafe(control_plane, warm)["rescued"]
    assert (rescued["floor"], rescued["changed"]) == (2, True)
    assert warm.floor() == "2"
    assert status(warm)["reason"] == "fail-safe"
    (again,) = failsafe(control_plane, warm)["rescued"]
    assert not again["changed"]
    # Nor does it matter whether there ever was one.
    warm.cluster.delete(lease)
    assert failsafe(control_plane, warm)["lease_age_s"] is None
    # Whoever comes back decides anew.
    with controller:
        await_(lambda: warm.floor() == "0", 40, lambda: str(status(warm)))


def test_what_is_held_is_given_back_when_the_controller_is_gone_for_good(
    warm: Place, controller: Controller, control_plane: ControlPlane
) -> None:
    pool(warm, minReplicas=2)
    until_floor(warm, "2")
    refused = warmpool(control_plane, warm, "release")
    assert refused.returncode == 2
    assert "the controller lives" in refused.stderr
    assert warm.floor() == "2"
    controller.kill()
    lease = Reference(LEASE, NAME, warm.namespace)
    warm.cluster.patch(lease, {"spec": {"renewTime": OLD}})
    released = warmpool(control_plane, warm, "release", "--json")
    assert warm.namespace in json.loads(released.stdout)["namespaces"]
    assert (warm.floor(), warm.records()) == ("0", set())
    warm.delete(WARM_POOL, "pool")
    with pytest.raises(NotInCluster):
        warm.get(WARM_POOL, "pool")


def failsafe(control_plane: ControlPlane, place: Place) -> dict[str, Any]:
    only = f"--namespace={place.namespace}"
    done = warmpool(control_plane, place, "failsafe", only, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def warmpool(
    control_plane: ControlPlane, place: Place, *words: str
) -> subprocess.CompletedProcess[str]:
    """``pilotlight warmpool``, where the controller's Lease is in the pool's namespace."""
    where = (f"--kubeconfig={control_plane.kubeconfig}", f"--lease-namespace={place.namespace}")
    return subprocess.run(
        [str(PROGRAM), "warmpool", *words, *where],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
