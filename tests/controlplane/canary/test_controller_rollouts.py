"""Whole rollouts: the controller is a process of its own; KServe and Knative are played.

The evidence is real: requests are counted by two versions' servers, which are scraped.
"""

import time

import pytest

from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP, EVENT, INFERENCE_ROLLOUT, REVISION, ROUTE
from pilotlight_canary.timeline import parse
from tests.controlplane.canary.platform import NEVER_READY
from tests.controlplane.canary.playing import Play, play
from tests.controlplane.canary.staging import QUICK, recorded
from tests.controlplane.canary.traffic import Manners
from tests.controlplane.process import await_

__all__ = ["play"]

pytestmark = pytest.mark.controlplane


def test_a_good_version_gets_all_of_the_traffic_and_nobody_had_to_watch(play: Play) -> None:
    scene = play()
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        status = scene.stage.until("Succeeded", timeout_s=120)
        assert scene.stage.predictor()["latestRolledoutRevision"] == "llm-predictor-00002"
        assert scene.platform.split == {"llm-predictor-00002": 100}
        assert status["history"][0]["outcome"] == "Succeeded"
        assert {c["type"]: c["status"] for c in status["conditions"]}["Promoted"] == "True"
        told = {"NewVersion", "StepStarted", "Promoted", "Succeeded"}
        await_(lambda: told <= set(scene.reasons()), 5, lambda: str(scene.reasons()))
        who = {"namespace": scene.stage.namespace, "rollout": "llm"}
        assert controller.metric("pilotlight_canary_phase", phase="Succeeded", **who) == 1
        course = scene.cluster.get(Reference(CONFIG_MAP, status["timeline"], who["namespace"]))
        weights = [point.weight for point in parse(course["data"]).points]
        assert weights == sorted(weights)
        assert {20, 50, 100} <= set(weights)
        labelled = scene.cluster.list(ROUTE, who["namespace"], labels="pilotlight.dev/role")
        assert labelled == []
        assert controller.stop() == 0


@pytest.mark.parametrize("bad", [Manners(fails=0.2), Manners(is_late=0.3)])
def test_a_bad_version_is_taken_back_and_not_tried_again(play: Play, bad: Manners) -> None:
    scene = play(bad)
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        status = scene.stage.until("RolledBack", timeout_s=120)
        assert scene.platform.split["llm-predictor-00001"] == 100
        check = "errors" if bad.fails else "ttft"
        assert check in status["reason"]
        time.sleep(3)
        assert scene.stage.phase() == "RolledBack"
        assert {"RollingBack", "RolledBack"} <= set(scene.reasons())
        revision = scene.cluster.get(
            Reference(REVISION, "llm-predictor-00002", scene.stage.namespace)
        )
        annotations = revision["metadata"]["annotations"]
        assert annotations["autoscaling.knative.dev/min-scale"] == "1"


def test_a_version_that_never_gets_ready_is_taken_back_when_its_deadline_is_over(
    play: Play,
) -> None:
    scene = play(progressDeadlineSeconds=4)
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(image=NEVER_READY)
        status = scene.stage.until("RolledBack", timeout_s=60)
        assert "ready" in status["reason"]
        assert scene.traffic.answered("llm-predictor-00002") == 0


def test_a_dry_run_writes_nothing_but_the_rollouts_own_status(play: Play) -> None:
    scene = play(mode="DryRun")
    with scene.controller() as controller:
        await_(lambda: bool(scene.stage.status().get("reason")), 30, controller.log.read_text)
        changed = scene.stage.change(version="2")
        await_(lambda: "DryRun: would" in scene.stage.status()["reason"], 30)
        time.sleep(3)
        service = scene.cluster.get(scene.stage.service)
        assert service["metadata"]["generation"] == changed["metadata"]["generation"]
        assert scene.cluster.list(ROUTE, scene.stage.namespace, labels="pilotlight.dev/role") == []
        assert scene.cluster.list(EVENT, scene.stage.namespace) == []
        kept = scene.cluster.list(CONFIG_MAP, scene.stage.namespace)
        assert [
            d["metadata"]["name"] for d in kept if d["metadata"]["name"].startswith("llm")
        ] == []


def test_nothing_is_ever_written_on_the_metadata_of_an_inference_service(play: Play) -> None:
    scene = play()
    before = scene.cluster.get(scene.stage.service)["metadata"]
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        scene.stage.until("Succeeded", timeout_s=120)
    after = scene.cluster.get(scene.stage.service)["metadata"]
    kept = ("labels", "annotations", "finalizers", "ownerReferences")
    assert {key: after.get(key) for key in kept} == {key: before.get(key) for key in kept}


def test_a_deleted_rollout_gives_the_traffic_back_and_then_goes(play: Play) -> None:
    slow = {**QUICK, "interval": "30s"}
    scene = play(analysis=slow)
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        await_(lambda: scene.stage.status().get("weight") == 20, 60, controller.log.read_text)
        await_(lambda: scene.platform.split.get("llm-predictor-00002") == 20, 10)
        scene.cluster.delete(scene.stage.rollout)
        await_(lambda: not scene.cluster.list(INFERENCE_ROLLOUT, scene.stage.namespace), 30)
        assert scene.platform.split["llm-predictor-00001"] == 100
        assert scene.cluster.list(ROUTE, scene.stage.namespace, labels="pilotlight.dev/role") == []


def test_a_rollout_deleted_while_nobody_looked_is_released_by_the_next_controller(
    play: Play,
) -> None:
    slow = {**QUICK, "interval": "30s"}
    scene = play(analysis=slow)
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        await_(lambda: scene.stage.status().get("weight") == 20, 60, controller.log.read_text)
        controller.kill()
    scene.cluster.delete(scene.stage.rollout)
    assert scene.cluster.get(scene.stage.rollout)["metadata"]["deletionTimestamp"]
    with scene.controller("second"):
        await_(lambda: not scene.cluster.list(INFERENCE_ROLLOUT, scene.stage.namespace), 30)
        assert scene.platform.split["llm-predictor-00001"] == 100
