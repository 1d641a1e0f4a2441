"""How decisions are carried out, in a real API server."""

from dataclasses import replace
from typing import Any

import pytest

from pilotlight.api.meta import FloorClaim
from pilotlight.api.rollout_status import Component
from pilotlight.errors import ClusterError, Conflict, NotInCluster
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import (
    CONFIG_MAP,
    CONFIGURATION,
    INFERENCE_ROLLOUT,
    INFERENCE_SERVICE,
    REVISION,
    ROUTE,
    SERVICE,
)
from pilotlight_canary.admission.template import TEMPLATE_HASH, template_hash
from pilotlight_canary.decision import Desired
from pilotlight_canary.kserve.names import NO_GC
from pilotlight_canary.kserve.traffic import TemplateUnknown
from pilotlight_canary.observation import Pods, Readiness, Role, Service
from tests.controlplane.canary.platform import MIN_SCALE
from tests.controlplane.canary.scene import CANARY, NAME, STABLE, Scene, predictor

pytestmark = pytest.mark.controlplane

PREDICTOR = Component.PREDICTOR
TEMPLATES = "chat-templates"
BOTH = {Role.STABLE: STABLE, Role.CANARY: CANARY}
CLAIM = FloorClaim(revision=CANARY, replicas=2)
HELD = Desired(
    percents={PREDICTOR: 0},
    rolled_out={PREDICTOR: STABLE},
    routes=BOTH,
    floors=(CLAIM,),
    kept=frozenset({STABLE}),
)


def components(scene: Scene) -> dict[str, str]:
    status: dict[str, str] = scene.get(INFERENCE_SERVICE, NAME)["status"]["components"]["predictor"]
    return status


def say(scene: Scene, **component: str) -> None:
    change = {"status": {"components": {"predictor": component}}}
    scene.patch(INFERENCE_SERVICE, NAME, change, subresource="status")


def percent(scene: Scene) -> int | None:
    found: int | None = scene.get(INFERENCE_SERVICE, NAME)["spec"]["predictor"].get(
        "canaryTrafficPercent"
    )
    return found


def test_a_held_canary_gets_its_floor_its_routes_and_stable_is_kept(scene: Scene) -> None:
    scene.hold()
    scene.claim(CLAIM)
    scene.carry_out(HELD)
    assert scene.annotation(CANARY, MIN_SCALE) == "2"
    assert scene.annotation(STABLE, NO_GC) == "true"
    assert scene.routes() == ["chat-canary", "chat-stable"]
    route = scene.get(ROUTE, "chat-canary")
    assert route["spec"]["traffic"][0]["revisionName"] == CANARY
    assert route["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"
    [owner] = route["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("InferenceRollout", scene.rollout.metadata.uid)


def test_carried_out_twice_it_writes_nothing_more(scene: Scene) -> None:
    scene.hold()
    scene.claim(CLAIM)
    assert scene.carry_out(HELD)
    scene.settle()
    assert scene.carry_out(HELD) == []


def test_capacity_comes_before_the_traffic_and_goes_after_it(scene: Scene) -> None:
    scene.hold()
    scene.claim(CLAIM)
    scene.carry_out(HELD)
    stable = FloorClaim(revision=STABLE, replicas=3)
    scene.claim(stable)
    written = scene.carry_out(
        Desired(percents={PREDICTOR: 10}, routes={Role.STABLE: STABLE}, floors=(stable,))
    )
    traffic = written.index("InferenceService/chat")
    assert written.index(f"Revision/{STABLE}") < traffic
    assert traffic < written.index("-Route/chat-canary")
    assert traffic < written.index(f"Revision/{CANARY}")


def test_an_empty_decision_takes_everything_back_but_the_split(scene: Scene) -> None:
    scene.hold()
    scene.claim(CLAIM)
    scene.carry_out(HELD)
    scene.claim()
    scene.carry_out(Desired())
    assert scene.routes() == []
    assert scene.annotation(CANARY, MIN_SCALE) == "1"
    assert scene.annotation(STABLE, NO_GC) is None
    assert percent(scene) == 0


def test_the_same_without_the_service(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(HELD)
    scene.claim()
    scene.actor.carry_out(scene.rollout, None, Desired())
    assert scene.routes() == []


def test_what_a_person_told_garbage_collection_is_left(scene: Scene) -> None:
    # Nobody is on record as the one who wrote it; so it was not us.
    theirs = {"annotations": {NO_GC: "true"}, "managedFields": [{}]}
    scene.patch(REVISION, STABLE, {"metadata": theirs})
    scene.carry_out(Desired())
    assert scene.annotation(STABLE, NO_GC) == "true"


def test_a_step_writes_the_percentage(scene: Scene) -> None:
    scene.hold()
    assert "InferenceService/chat" in scene.carry_out(Desired(percents={PREDICTOR: 25}))
    scene.settle()
    assert dict(scene.view.traffic) == {CANARY: 25, STABLE: 75}


def test_no_percentage_is_as_good_as_all_of_it(scene: Scene) -> None:
    scene.carry_out(Desired(percents={PREDICTOR: 100}))
    assert percent(scene) is None


def test_a_change_since_the_look_is_a_conflict_and_nothing_is_taken_away(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(HELD)
    service = scene.service
    scene.hold("h3")
    with pytest.raises(Conflict):
        scene.carry_out(Desired(percents={PREDICTOR: 100}), service)
    assert percent(scene) == 0
    assert scene.routes() == ["chat-canary", "chat-stable"]


def test_kserves_own_writes_to_the_status_do_not_outdate_a_decision(scene: Scene) -> None:
    scene.hold()
    service = scene.service
    scene.patch(
        INFERENCE_SERVICE, NAME, {"status": {"observedGeneration": 77}}, subresource="status"
    )
    scene.carry_out(Desired(percents={PREDICTOR: 10}), service)
    assert percent(scene) == 10


def test_a_stable_version_that_kserve_has_lost_is_told_to_it_again(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(Desired(percents={PREDICTOR: 100}))
    scene.settle()
    assert components(scene)["previousRolledoutRevision"] == STABLE
    scene.hold("h3")
    # What it does when it sees Knative's Route before its Configuration.
    say(scene, latestRolledoutRevision=STABLE)
    scene.carry_out(Desired(percents={PREDICTOR: 0}, rolled_out={PREDICTOR: CANARY}))
    found = components(scene)
    assert found["latestRolledoutRevision"] == CANARY
    scene.settle()
    assert scene.view.traffic[CANARY] == 100
    assert STABLE not in scene.view.traffic


def test_once_stable_is_also_the_previous_one_a_hold_cannot_be_taken_for_a_rollback(
    scene: Scene,
) -> None:
    scene.hold()
    scene.carry_out(Desired(percents={PREDICTOR: 100}))
    scene.settle()
    scene.carry_out(Desired(rolled_out={PREDICTOR: CANARY}))
    assert components(scene)["previousRolledoutRevision"] == CANARY
    scene.patch(INFERENCE_SERVICE, NAME, {"spec": {"predictor": {"canaryTrafficPercent": 0}}})
    scene.settle()
    assert components(scene)["latestRolledoutRevision"] == CANARY


def test_going_back_in_the_window_needs_no_luck_with_kserves_memory(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(Desired(percents={PREDICTOR: 100}))
    scene.settle()
    say(scene, previousRolledoutRevision=CANARY)
    scene.carry_out(Desired(percents={PREDICTOR: 0}, rolled_out={PREDICTOR: STABLE}))
    scene.settle()
    assert dict(scene.view.traffic) == {CANARY: 0, STABLE: 100}


def test_at_100_percent_kserve_is_not_told_otherwise(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(Desired(percents={PREDICTOR: 100}))
    scene.settle()
    written = scene.carry_out(Desired(percents={PREDICTOR: 100}, rolled_out={PREDICTOR: STABLE}))
    assert "InferenceService/chat/status" not in written


def down(service: Service) -> Service:
    """The same, with a canary whose pods have all crashed."""
    canary = replace(
        service.revisions[CANARY], readiness=Readiness.FAILED, pods=Pods(total=1, restarts=3)
    )
    return replace(service, revisions={**service.revisions, CANARY: canary})


def test_traffic_leaves_a_canary_that_is_down_although_knative_waits_for_it(
    scene: Scene,
) -> None:
    scene.hold()
    scene.carry_out(Desired(percents={PREDICTOR: 50}))
    scene.settle()
    labels = {"serving.kserve.io/inferenceservice": NAME, "component": "predictor"}
    scene.cluster.create(
        {
            "apiVersion": CONFIGURATION.api_version,
            "kind": CONFIGURATION.name,
            "metadata": {"name": "chat-predictor", "namespace": scene.namespace}
            | {"labels": labels},
            "spec": {"template": {"spec": {"containers": [{"image": "good"}]}}},
        }
    )
    scene.carry_out(
        Desired(percents={PREDICTOR: 0}, rolled_out={PREDICTOR: STABLE}), down(scene.service)
    )
    status = scene.get(CONFIGURATION, "chat-predictor")["status"]
    assert status["latestReadyRevisionName"] == STABLE
    assert percent(scene) == 0


def test_a_floor_that_cannot_be_written_does_not_keep_the_traffic(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.hold()
    scene.carry_out(Desired(percents={PREDICTOR: 50}))
    scene.settle()
    write = scene.watched.patch

    def refuse(reference: Reference, change: dict[str, Any], *, subresource: str = "") -> Any:
        if reference.kind == REVISION:
            raise ClusterError("no revision today")
        return write(reference, change, subresource=subresource)

    monkeypatch.setattr(scene.watched, "patch", refuse)
    scene.claim(CLAIM)
    with pytest.raises(ClusterError, match="no revision today"):
        scene.carry_out(Desired(percents={PREDICTOR: 0}, floors=(CLAIM,)))
    assert percent(scene) == 0


def test_the_old_template_is_written_back_and_held_in_the_same_write(scene: Scene) -> None:
    before = scene.get(INFERENCE_SERVICE, NAME)["spec"]["predictor"]
    scene.carry_out(Desired())
    scene.hold(image="bad")
    desired = Desired(percents={PREDICTOR: 0}, restore=STABLE)
    assert scene.carry_out(desired).count("InferenceService/chat") == 1
    now = scene.get(INFERENCE_SERVICE, NAME)
    assert now["spec"]["predictor"]["containers"] == before["containers"]
    recorded = now["spec"]["predictor"]["annotations"][TEMPLATE_HASH]
    assert recorded == template_hash(now, PREDICTOR)
    assert percent(scene) == 0
    scene.settle()
    assert "InferenceService/chat" not in scene.carry_out(desired)


def test_a_template_that_nobody_saw_is_not_made_up(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(Desired(percents={PREDICTOR: 50}))
    scene.settle()
    with pytest.raises(TemplateUnknown, match="Apply the old version's manifest again"):
        scene.carry_out(Desired(percents={PREDICTOR: 0}, restore=STABLE))
    assert percent(scene) == 0


def test_templates_of_old_revisions_are_dropped(scene: Scene) -> None:
    for number in range(2, 6):
        scene.carry_out(Desired(percents={PREDICTOR: 100}))
        scene.settle()
        scene.hold(f"h{number}")
    scene.carry_out(Desired())
    kept = scene.get(CONFIG_MAP, TEMPLATES)["data"]
    assert len(kept) <= 3
    assert "chat-predictor-00005" in kept


def test_a_dry_run_writes_nothing(scene: Scene) -> None:
    scene.hold()
    scene.patch(INFERENCE_ROLLOUT, NAME, {"spec": {"mode": "DryRun"}})
    assert scene.carry_out(replace(HELD, percents={PREDICTOR: 50})) == []


def test_a_service_that_is_gone_leaves_no_route(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(HELD)
    scene.cluster.delete(Reference(INFERENCE_SERVICE, NAME, scene.namespace))
    scene.actor.carry_out(scene.rollout, None, Desired())
    assert scene.routes() == []
    with pytest.raises(NotInCluster):
        scene.get(SERVICE, "chat-canary")


def test_a_spec_without_that_component_is_left_alone(scene: Scene) -> None:
    scene.carry_out(Desired(percents={Component.TRANSFORMER: 0}))
    assert predictor("h1")["annotations"].items() <= (
        scene.get(INFERENCE_SERVICE, NAME)["spec"]["predictor"]["annotations"].items()
    )
