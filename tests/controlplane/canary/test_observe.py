"""What is seen of an InferenceService, in a real API server."""

import pytest

from pilotlight.api.rollout_status import Component
from pilotlight.kube.kinds import INFERENCE_SERVICE, KNATIVE_SERVICE, REVISION, ROUTE
from pilotlight_canary.decision import Desired
from pilotlight_canary.observation import OwnRoute, Readiness, Role, Room
from tests.controlplane.canary.platform import NEVER_READY, ready
from tests.controlplane.canary.scene import CANARY, NAME, STABLE, Scene, predictor

pytestmark = pytest.mark.controlplane


def test_a_service_at_rest_is_settled_with_all_traffic_on_one_revision(scene: Scene) -> None:
    service, view = scene.service, scene.view
    assert service.settled, service.unsettled
    assert service.mode == "Knative"
    assert (view.percent, view.template_hash, dict(view.traffic)) == (None, "h1", {STABLE: 100})
    assert (view.latest_created, view.latest_ready, view.rolled_out) == (STABLE,) * 3
    revision = service.revisions[STABLE]
    assert (revision.readiness, revision.template_hash) == (Readiness.READY, "h1")
    assert (revision.component, revision.floor) == (Component.PREDICTOR, 1)
    assert revision.pods.ready == 2


def test_there_is_nothing_to_see_of_a_service_that_does_not_exist(scene: Scene) -> None:
    assert scene.observer.service(scene.namespace, "nobody") is None


def test_a_new_template_is_unsettled_until_kserve_has_rendered_it(scene: Scene) -> None:
    change = predictor("h2") | {"canaryTrafficPercent": 0}
    scene.patch(INFERENCE_SERVICE, NAME, {"spec": {"predictor": change}})
    assert not scene.service.settled
    assert "has not rendered the new template" in scene.service.unsettled
    scene.settle()
    assert scene.service.settled, scene.service.unsettled
    assert dict(scene.view.traffic) == {CANARY: 0, STABLE: 100}


def test_a_new_percentage_is_unsettled_until_kserve_has_passed_it_on(scene: Scene) -> None:
    scene.hold()
    scene.patch(INFERENCE_SERVICE, NAME, {"spec": {"predictor": {"canaryTrafficPercent": 10}}})
    assert "percentage" in scene.service.unsettled
    scene.settle()
    assert scene.service.settled, scene.service.unsettled
    assert scene.view.traffic[CANARY] == 10


@pytest.mark.parametrize("part", ["ConfigurationsReady", "RoutesReady"])
def test_it_is_unsettled_while_knative_says_that_a_part_is_out_of_date(
    scene: Scene, part: str
) -> None:
    others = {"ConfigurationsReady", "RoutesReady"} - {part}
    conditions = ready(*others) + ready(part, status="Unknown", reason="OutOfDate")
    status = {"status": {"conditions": conditions}}
    scene.patch(KNATIVE_SERVICE, "chat-predictor", status, subresource="status")
    assert "Knative has not carried the change out" in scene.service.unsettled


def test_the_split_is_unknown_while_the_gateway_changes_over(scene: Scene) -> None:
    conditions = ready("AllTrafficAssigned") + ready("Ready", status="Unknown")
    change = {"status": {"conditions": conditions}}
    scene.patch(ROUTE, "chat-predictor", change, subresource="status")
    assert dict(scene.view.traffic) == {}


def test_a_canary_that_is_not_up_yet_is_neither_ready_nor_failed(scene: Scene) -> None:
    scene.hold(image=NEVER_READY)
    service = scene.service
    assert service.settled, service.unsettled
    assert service.revisions[CANARY].readiness is Readiness.UNKNOWN
    assert scene.view.latest_ready == STABLE


def test_a_canary_that_knative_gave_up_has_failed_in_its_words(scene: Scene) -> None:
    scene.hold(image=NEVER_READY)
    [condition] = ready("Ready", status="False", reason="ProgressDeadlineExceeded")
    condition["message"] = "Initial scale was never achieved"
    scene.patch(REVISION, CANARY, {"status": {"conditions": [condition]}}, subresource="status")
    revision = scene.service.revisions[CANARY]
    assert revision.readiness is Readiness.FAILED
    assert revision.message == "ProgressDeadlineExceeded: Initial scale was never achieved"


def test_our_own_route_is_seen_once_it_leads_to_its_revision(scene: Scene) -> None:
    scene.hold()
    scene.carry_out(Desired(routes={Role.CANARY: CANARY}))
    [before] = scene.observer.routes(scene.rollout).values()
    assert (before.revision, before.ready, before.url) == (CANARY, False, "")
    scene.settle()
    url = f"http://chat-canary.{scene.namespace}.svc.cluster.local"
    assert scene.observer.routes(scene.rollout) == {Role.CANARY: OwnRoute(CANARY, True, url)}


def test_room_is_counted_on_the_clusters_nodes(scene: Scene) -> None:
    scene.platform.add_node()
    assert scene.observer.room(scene.service, STABLE, 2) == Room(2)
    found = scene.observer.room(scene.service, STABLE, 100_000)
    assert found.replicas < 100_000
    assert "runs out on 1 of 1 suitable nodes" in found.reason


def test_a_standard_deployment_is_seen_as_such(scene: Scene) -> None:
    change = {"status": {"deploymentMode": "RawDeployment"}}
    scene.patch(INFERENCE_SERVICE, NAME, change, subresource="status")
    assert scene.service.mode == "Standard"
