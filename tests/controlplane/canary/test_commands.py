"""``pilotlight rollout`` against a real API server; a thread plays the controller."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from pilotlight.api.crd import INFERENCE_ROLLOUT as ROLLOUT_KIND
from pilotlight.api.crd import crd
from pilotlight.api.rollout_status import InferenceRolloutStatus
from pilotlight.errors import ManifestError
from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import (
    CONFIG_MAP,
    CUSTOM_RESOURCE,
    EVENT,
    INFERENCE_ROLLOUT,
    INFERENCE_SERVICE,
    LEASE,
    NAMESPACE,
)
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_canary.request import ANNOTATION, request_of
from pilotlight_canary.timeline import name_of
from pilotlight_canary.view.observer import LEASE_NAME
from pilotlight_cluster.binaries import Binaries
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.conftest import Kubectl
from tests.unit.canary.view.courses import (
    CANARY,
    PROMOTED,
    STABLE,
    TAKEN_BACK,
    recorded,
    statuses,
)

pytestmark = pytest.mark.controlplane

HOME, SYSTEM = "canary-commands", "canary-commands-system"
CHAT = Reference(INFERENCE_ROLLOUT, "chat", HOME)


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane, crds: None) -> Iterator[ApiServer]:
    with connect(control_plane.kubeconfig) as opened:
        opened.apply(crd(ROLLOUT_KIND), force=True)
        name = Reference(CUSTOM_RESOURCE, ROLLOUT_KIND.crd_name)
        wait(opened, name, has_condition("Established"), timeout_s=30)
        for namespace in (HOME, SYSTEM):
            opened.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        yield opened
        for namespace in (HOME, SYSTEM):
            opened.delete(Reference(NAMESPACE, namespace))


@pytest.fixture(autouse=True)
def chat(cluster: ApiServer) -> Iterator[None]:
    """An InferenceRollout ``chat`` in the middle of its second step."""
    rollout = {
        "apiVersion": INFERENCE_ROLLOUT.api_version,
        "kind": INFERENCE_ROLLOUT.name,
        "metadata": {"name": "chat", "namespace": HOME},
        "spec": {"targetRef": {"name": "chat"}},
    }
    cluster.apply(rollout)
    set_status(cluster, statuses(PROMOTED)[14])
    yield
    cluster.delete(CHAT)
    cluster.delete(Reference(LEASE, LEASE_NAME, SYSTEM))


def set_status(cluster: ApiServer, status: InferenceRolloutStatus) -> None:
    document = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    cluster.patch(CHAT, {"status": document}, subresource="status")


def lead(cluster: ApiServer, age_s: float = 0.0, holder: str = "controller-0") -> None:
    """A Lease that was renewed so long ago."""
    renewed = datetime.now(UTC) - timedelta(seconds=age_s)
    cluster.apply(
        {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": {"name": LEASE_NAME, "namespace": SYSTEM},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": 15,
                "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        },
        force=True,
    )


@contextmanager
def controller(cluster: ApiServer, **changes: object) -> Iterator[None]:
    """Takes requests, as the controller does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            request = request_of(cluster.get(CHAT))
            if request is not None:
                handled = {"handledRequest": request.id, **changes}
                cluster.patch(CHAT, {"status": handled}, subresource="status")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def pilotlight(
    control_plane: ControlPlane, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line, in a process of its own."""

    def run(*words: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        program = [str(Path(sys.executable).with_name("pilotlight")), "rollout", *words]
        return subprocess.run(
            [*program, "--kubeconfig", str(kubeconfig or control_plane.kubeconfig)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"COLUMNS": "120", "HOME": str(tmp_path)},
        )

    return run


Run = Callable[..., subprocess.CompletedProcess[str]]


def test_status_tells_phase_weights_steps_evidence_and_reason(
    cluster: ApiServer, pilotlight: Run
) -> None:
    lead(cluster)
    shown = pilotlight("status", "chat", "-n", HOME)
    assert shown.returncode == 0, shown.stderr
    for part in ("Progressing", STABLE, CANARY, "✓ 5 %", "● 10 %", "○ 25 %", "inter-token-latency",
                 "the evidence does not decide yet"):  # fmt: skip
        assert part in shown.stdout
    assert "no controller" not in shown.stdout


def test_status_says_when_no_controller_runs(cluster: ApiServer, pilotlight: Run) -> None:
    assert (
        "no controller runs: none has ever run" in pilotlight("status", "chat", "-n", HOME).stdout
    )
    lead(cluster, age_s=300)
    assert "has not renewed its lease" in pilotlight("status", "chat", "-n", HOME).stdout


def test_status_as_json_has_the_resource_s_own_status(pilotlight: Run) -> None:
    said = json.loads(pilotlight("status", "chat", "-n", HOME, "--json").stdout)
    assert (said["phase"], said["weight"], said["step"], said["steps"]) == ("Progressing", 10, 2, 4)
    assert InferenceRolloutStatus.model_validate(said["status"]).canary_revision == CANARY
    assert 0 < said["progress"][0]["noWorse"] < 1


def test_the_gateway_s_split_and_the_events_are_shown(cluster: ApiServer, pilotlight: Run) -> None:
    service: Document = {
        "apiVersion": INFERENCE_SERVICE.api_version,
        "kind": INFERENCE_SERVICE.name,
        "metadata": {"name": "chat", "namespace": HOME},
        "spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "none"}]}},
    }
    cluster.apply(service)
    traffic = [
        {"revisionName": STABLE, "percent": 91, "latestRevision": False, "tag": "prev"},
        {"revisionName": CANARY, "percent": 9, "latestRevision": True},
    ]
    change = {"status": {"components": {"predictor": {"traffic": traffic}}}}
    cluster.patch(Reference(INFERENCE_SERVICE, "chat", HOME), change, subresource="status")
    uid = cluster.get(CHAT)["metadata"]["uid"]
    cluster.apply(_event("chat.1", uid, "the canary gets 10 %"))
    cluster.apply(_event("chat.2", "another", "of a rollout that is gone"))
    said = json.loads(pilotlight("status", "chat", "-n", HOME, "--json").stdout)
    assert said["traffic"] == {STABLE: 91, CANARY: 9}
    assert [event["message"] for event in said["events"]] == ["the canary gets 10 %"]
    cluster.delete(Reference(INFERENCE_SERVICE, "chat", HOME))


def _event(name: str, uid: str, message: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": EVENT.name,
        "metadata": {"name": name, "namespace": HOME},
        "involvedObject": {
            "apiVersion": INFERENCE_ROLLOUT.api_version,
            "kind": INFERENCE_ROLLOUT.name,
            "name": "chat",
            "namespace": HOME,
            "uid": uid,
        },
        "reason": "StepTaken",
        "message": message,
        "type": "Normal",
        "lastTimestamp": "2026-11-21T12:00:00Z",
    }


def test_list_shows_those_of_one_namespace_or_of_all(pilotlight: Run) -> None:
    assert "chat" in pilotlight("list", "-n", HOME).stdout
    assert "no InferenceRollout in namespace default" in pilotlight("list").stdout
    everywhere = json.loads(pilotlight("list", "-A", "--json").stdout)
    assert any({"name": "chat", "namespace": HOME}.items() <= one.items() for one in everywhere)


@pytest.mark.parametrize("action", ["pause", "resume", "promote", "abort", "approve", "retry"])
def test_a_request_is_written_and_taken(cluster: ApiServer, pilotlight: Run, action: str) -> None:
    with controller(cluster, reason=f"asked to {action}"):
        ended = pilotlight(action, "chat", "-n", HOME)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{action} taken: Progressing, 10 %. asked to {action}\n"
    request = request_of(cluster.get(CHAT))
    assert request is not None
    assert request.action == action
    assert request.by


def test_a_request_that_is_refused_says_why(cluster: ApiServer, pilotlight: Run) -> None:
    with controller(cluster, refusal="10 % needs nobody's approval"):
        ended = pilotlight("approve", "chat", "-n", HOME)
    assert ended.returncode == 1
    assert "`approve` was refused: 10 % needs nobody's approval" in ended.stderr


def test_a_request_that_nobody_takes_says_why(cluster: ApiServer, pilotlight: Run) -> None:
    ended = pilotlight("pause", "chat", "-n", HOME, "--timeout", "0.3")
    assert ended.returncode == 1
    assert "no controller runs (none has ever run" in ended.stderr
    lead(cluster, age_s=3600)
    expired = pilotlight("pause", "chat", "-n", HOME, "--timeout", "0.3")
    assert "controller-0 has not renewed its lease for 36" in expired.stderr
    lead(cluster, holder="")
    stopped = pilotlight("pause", "chat", "-n", HOME, "--timeout", "0.3")
    assert "it was stopped, and nobody took over" in stopped.stderr
    lead(cluster)
    busy = pilotlight("pause", "chat", "-n", HOME, "--timeout", "0.3")
    assert "within 0.3 s (the controller: controller-0)" in busy.stderr


def test_a_request_that_replaces_one_says_so(cluster: ApiServer, pilotlight: Run) -> None:
    waiting = '{"id": "1", "action": "promote", "by": "ada"}'
    cluster.patch(CHAT, {"metadata": {"annotations": {ANNOTATION: waiting}}})
    ended = pilotlight("abort", "chat", "-n", HOME, "--timeout", "0.3")
    assert ended.returncode == 1
    assert ended.stderr.startswith("replaces `promote` of ada, not taken yet\n")


def test_watch_ends_with_the_rollout_and_its_exit_code_says_how(
    cluster: ApiServer, pilotlight: Run
) -> None:
    set_status(cluster, statuses(PROMOTED)[-1])
    promoted = pilotlight("watch", "chat", "-n", HOME, "--until-done")
    assert (promoted.returncode, "Succeeded 100 %" in promoted.stdout) == (0, True)
    set_status(cluster, statuses(TAKEN_BACK, bad=True)[-1])
    back = pilotlight("watch", "chat", "-n", HOME, "--until-done")
    assert (back.returncode, "RolledBack 0 %: errors" in back.stdout) == (1, True)


def test_watch_tells_each_change_and_gives_up_when_told(
    cluster: ApiServer, pilotlight: Run
) -> None:
    course = iter([s for s in statuses(PROMOTED) if s.step][::5])

    def advance() -> None:
        for status in course:
            set_status(cluster, status)

    mover = threading.Timer(1.5, advance)
    mover.start()
    words = ("watch", "chat", "-n", HOME, "--json", "--interval", "0.2", "--timeout", "4")
    ended = pilotlight(*words)
    mover.join()
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert "did not end within 4 s" in ended.stderr
    assert len(lines) >= 2
    assert len({line["weight"] for line in lines}) >= 2


def test_history_shows_what_became_of_versions(cluster: ApiServer, pilotlight: Run) -> None:
    assert "nothing was rolled out yet" in pilotlight("history", "chat", "-n", HOME).stdout
    set_status(cluster, statuses(TAKEN_BACK, bad=True)[-1])
    shown = pilotlight("history", "chat", "-n", HOME).stdout
    assert "RolledBack" in shown
    assert CANARY in shown
    said = json.loads(pilotlight("history", "chat", "-n", HOME, "--json").stdout)
    assert said[0]["outcome"] == "RolledBack"


def test_plot_draws_the_course_as_text_or_as_a_picture(
    cluster: ApiServer, pilotlight: Run, tmp_path: Path
) -> None:
    set_status(cluster, statuses(TAKEN_BACK, bad=True)[-1])
    course = {"name": name_of("chat"), "namespace": HOME}
    document = {"apiVersion": "v1", "kind": CONFIG_MAP.name, "metadata": course}
    cluster.apply(document | {"data": dict(recorded(TAKEN_BACK, bad=True))}, force=True)
    shown = pilotlight("plot", "chat", "-n", HOME)
    assert shown.returncode == 0, shown.stderr
    assert "taken back after 1m 20s: errors" in shown.stdout
    picture = tmp_path / "chat.png"
    drawn = pilotlight("plot", "chat", "-n", HOME, "-o", str(picture))
    assert (drawn.returncode, drawn.stdout) == (0, f"wrote {picture}\n"), drawn.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    said = json.loads(pilotlight("plot", "chat", "-n", HOME, "--json").stdout)
    assert len(said["points"]) == sum(looks for *_, looks in TAKEN_BACK)
    cluster.apply(document | {"data": {"points": "of somebody else"}}, force=True)
    spoilt = pilotlight("plot", "chat", "-n", HOME)
    assert spoilt.returncode == 2
    assert "not a rollout's timeline" in spoilt.stderr
    cluster.delete(Reference(CONFIG_MAP, name_of("chat"), HOME))


def test_plot_without_a_course_or_into_no_picture_says_so(pilotlight: Run) -> None:
    nothing = pilotlight("plot", "chat", "-n", HOME)
    assert nothing.returncode == 1
    assert "has no course to draw yet" in nothing.stderr
    wrong = pilotlight("plot", "chat", "-n", HOME, "-o", "chat.gif")
    assert wrong.returncode == 2
    assert "one of .png, .svg, .pdf" in wrong.stderr


def test_an_unknown_name_names_those_that_there_are(pilotlight: Run) -> None:
    for words in (("status",), ("pause",), ("history",), ("watch",), ("plot",)):
        ended = pilotlight(*words, "chatt", "-n", HOME)
        assert ended.returncode == 1
        assert f"no InferenceRollout chatt in namespace {HOME}: there are chat" in ended.stderr
    assert "there is none in this namespace" in pilotlight("status", "chat").stderr


def test_without_the_definitions_it_says_how_to_install_them(
    binaries: Binaries, pilotlight: Run, tmp_path: Path
) -> None:
    bare = ControlPlane(tmp_path / "bare", binaries)
    try:
        bare.start()
        for words in (("status", "chat"), ("list",), ("pause", "chat"), ("plot", "chat")):
            ended = pilotlight(*words, kubeconfig=bare.kubeconfig)
            assert ended.returncode == 1
            assert "has no InferenceRollouts: install them and their controller" in ended.stderr
    finally:
        bare.stop()


def test_without_permission_it_says_who_may_not_what(
    cluster: ApiServer, kubectl: Kubectl, pilotlight: Run, tmp_path: Path
) -> None:
    kubectl("create", "serviceaccount", "reader", "-n", HOME)
    token = kubectl("create", "token", "reader", "-n", HOME).strip()
    config = yaml.safe_load(kubectl.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    mine = tmp_path / "kubeconfig"
    mine.write_text(yaml.safe_dump(config))
    for words in (("status", "chat"), ("list",), ("pause", "chat")):
        ended = pilotlight(*words, "-n", HOME, kubeconfig=mine)
        assert ended.returncode == 1
        assert "not permitted" in ended.stderr


def test_without_a_kubeconfig_it_is_a_usage_error(pilotlight: Run, tmp_path: Path) -> None:
    ended = pilotlight("status", "chat", kubeconfig=tmp_path / "none")
    assert ended.returncode == 2
    assert "no kubeconfig at" in ended.stderr


def test_a_rollout_of_a_newer_pilotlight_is_said_to_be_one(
    cluster: ApiServer, pilotlight: Run
) -> None:
    newer = crd(ROLLOUT_KIND)
    schema = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"] = True
    cluster.apply(newer, force=True)
    try:
        for _ in range(100):
            # The API server takes a moment to serve the changed definition.
            with suppress(ManifestError):
                if "astrology" in cluster.patch(CHAT, {"spec": {"astrology": True}})["spec"]:
                    break
            time.sleep(0.1)
        ended = pilotlight("status", "chat", "-n", HOME)
        assert ended.returncode == 1
        assert "this version of pilotlight does not know (spec.astrology" in ended.stderr
    finally:
        cluster.apply(crd(ROLLOUT_KIND), force=True)
