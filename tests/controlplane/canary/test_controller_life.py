"""The controller is killed, doubled and cut off: the end is right each time."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pilotlight.kube.kinds import ROUTE
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.canary.playing import Play, play
from tests.controlplane.canary.staging import QUICK, Staged, recorded
from tests.controlplane.canary.traffic import Manners
from tests.controlplane.process import Controller, await_

__all__ = ["play"]

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(300)]

ENDS = ("Succeeded", "RolledBack")
OLD, NEW = "llm-predictor-00001", "llm-predictor-00002"
GATED = {
    **QUICK,
    "webhooks": [{"name": "gate", "type": "pre-rollout", "url": "http://127.0.0.1:9/"}],
}


class Gate:
    """Two webhooks that take their time, so that there is a moment to be killed in."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                time.sleep(1)
                gate._asked[self.path] += 1
                hesitates = self.path == "/confirm-rollout" and gate._asked[self.path] < 3
                self.send_response(403 if hesitates else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def hook(self, type_: str) -> dict[str, str]:
        url = f"http://127.0.0.1:{self._http.server_port}/{type_}"
        return {"name": type_, "type": type_, "url": url}

    def __enter__(self) -> "Gate":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def position(scene: Staged) -> tuple[str, int]:
    status = scene.stage.status()
    return str(status.get("phase")), int(status.get("weight") or 0)


def killed_in_each_position(scene: Staged, timeout_s: float = 240) -> set[str]:
    """Kill the controller wherever it has got to, until the rollout has ended; the phases."""
    deadline = time.monotonic() + timeout_s
    seen: set[tuple[str, int]] = set()
    controller = scene.controller().start()
    try:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        while (now := position(scene))[0] not in ENDS:
            assert time.monotonic() < deadline, (now, controller.log.read_text()[-3000:])
            assert controller.code is None, controller.log.read_text()[-3000:]
            if now not in seen and now[0] != "Idle":
                seen.add(now)
                controller.kill()
                controller = scene.controller().start()
                if now[0] == "Paused":
                    scene.stage.ask("approve")
            time.sleep(0.02)
        await_(lambda: is_released(scene), 30, controller.log.read_text)
        assert controller.stop() == 0
    finally:
        controller.__exit__()
    return {phase for phase, _ in seen}


def is_released(scene: Staged) -> bool:
    """Our Routes are gone."""
    return not scene.cluster.list(ROUTE, scene.stage.namespace, labels="pilotlight.dev/role")


def test_killed_in_each_phase_a_good_version_still_gets_there(play: Play) -> None:
    with Gate() as gate:
        hooks = [gate.hook("confirm-rollout"), gate.hook("pre-rollout")]
        scene = play(analysis={**QUICK, "pauseWeights": [20], "webhooks": hooks})
        phases = killed_in_each_position(scene)
    assert {"Held", "Gating", "Progressing", "Paused", "Promoting", "Watching"} <= phases
    assert scene.stage.phase() == "Succeeded"
    assert scene.platform.split == {NEW: 100}


def test_killed_in_each_phase_a_bad_version_is_still_taken_back(play: Play) -> None:
    scene = play(Manners(fails=0.3))
    phases = killed_in_each_position(scene)
    assert {"Warming", "RollingBack"} <= phases
    assert scene.stage.phase() == "RolledBack"
    assert scene.platform.split[OLD] == 100


def test_of_two_only_one_acts_and_the_other_takes_over_when_it_is_killed(play: Play) -> None:
    scene = play()
    with scene.controller("first") as first:
        await_(lambda: first.get("/readyz")[0] == 200, 30, first.log.read_text)
        with scene.controller("second") as second:
            await_(lambda: second.get("/readyz")[0] == 200, 30, second.log.read_text)
            await_(lambda: recorded(scene), 30)
            scene.stage.change(version="2")
            scene.stage.until("Progressing", timeout_s=60)
            assert leads(first)
            assert not leads(second)
            assert second.metric("pilotlight_canary_looks_total") == 0
            first.kill()
            scene.stage.until("Succeeded", timeout_s=120)
            assert leads(second)
            assert second.stop() == 0


def test_a_stopped_leader_hands_over_at_once(play: Play) -> None:
    scene = play()
    slow = {"LEASE_S": "60", "RENEW_DEADLINE_S": "40", "RETRY_S": "0.3"}
    with scene.controller("first", **slow) as first:
        await_(lambda: first.get("/readyz")[0] == 200 and leads(first), 30, first.log.read_text)
        with scene.controller("second", **slow) as second:
            await_(lambda: second.get("/readyz")[0] == 200, 30, second.log.read_text)
            began = time.monotonic()
            assert first.stop() == 0
            await_(lambda: leads(second), 10, second.log.read_text)
            assert time.monotonic() - began < 10


def test_a_frozen_leader_that_comes_back_ends_without_having_acted(play: Play) -> None:
    scene = play()
    with scene.controller("first") as first:
        await_(lambda: recorded(scene), 30, first.log.read_text)
        with scene.controller("second") as second:
            await_(lambda: second.get("/readyz")[0] == 200, 30, second.log.read_text)
            first.freeze()
            await_(lambda: leads(second), 20, second.log.read_text)
            first.thaw()
            assert first.wait(20) == 1
            assert "the lease is lost" in first.log.read_text()


def test_an_api_server_that_is_away_ends_the_leader_and_the_next_one_goes_on(
    play: Play, control_plane: ControlPlane
) -> None:
    scene = play()
    controller = scene.controller().start()
    try:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        await_(lambda: scene.stage.status().get("weight") == 20, 60, controller.log.read_text)
        control_plane.supervisor.stop("kube-apiserver")
        try:
            assert controller.wait(20) == 1
            # As the kubelet does: it is started again, whatever it finds.
            controller = scene.controller("second").start()
            await_(lambda: controller.get("/healthz")[0] == 200, 30, controller.log.read_text)
            assert controller.get("/readyz")[0] == 503
        finally:
            control_plane.start()
        scene.stage.until("Succeeded", timeout_s=120)
        assert controller.code is None
    finally:
        controller.__exit__()


def test_an_api_server_that_is_soon_back_is_outlived(
    play: Play, control_plane: ControlPlane
) -> None:
    scene = play()
    patient = {"LEASE_S": "40", "RENEW_DEADLINE_S": "30", "RETRY_S": "0.3"}
    with scene.controller(**patient) as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        control_plane.supervisor.stop("kube-apiserver")
        time.sleep(2)
        control_plane.start()
        scene.stage.change(version="2")
        scene.stage.until("Succeeded", timeout_s=120)
        assert controller.code is None


def test_figures_that_fall_silent_hold_the_rollout_and_are_said(play: Play) -> None:
    nowhere = {"metricsServer": "http://127.0.0.1:9"}
    scene = play(**nowhere)
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        await_(lambda: scene.stage.status().get("weight") == 20, 60, controller.log.read_text)
        await_(lambda: "no figures" in scene.stage.status()["reason"], 90, controller.log.read_text)
        time.sleep(5)
        assert position(scene) == ("Progressing", 20)
        conditions = {c["type"]: c for c in scene.stage.status()["conditions"]}
        assert conditions["Measured"]["status"] == "False"


def test_a_gate_outside_that_refuses_takes_the_version_back_before_it_gets_traffic(
    play: Play,
) -> None:
    scene = play(analysis=GATED)
    with scene.controller() as controller:
        await_(lambda: recorded(scene), 30, controller.log.read_text)
        scene.stage.change(version="2")
        status = scene.stage.until("RolledBack", timeout_s=60)
        assert "webhook gate" in status["reason"]
        assert scene.traffic.answered(NEW) == 0


def leads(controller: Controller) -> bool:
    return controller.metric("pilotlight_canary_leading") == 1
