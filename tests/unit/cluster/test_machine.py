"""What the cluster asks of a machine, and what it leaves on it."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pilotlight.errors import OperationError, UsageError
from pilotlight_cluster import requirements, traces
from pilotlight_cluster.binaries import KNATIVE, KSERVE, KUBERNETES, Binaries
from pilotlight_cluster.command_line import run
from pilotlight_cluster.console import Progress
from pilotlight_cluster.kubectl import Kubectl
from pilotlight_cluster.turn import turn


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(quiet=True))


def test_without_root_the_way_with_docker_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match=r"needs root(?s:.*)kind create cluster(?s:.*)check"):
        requirements.refuse_elsewhere()


def test_without_debian_the_way_with_docker_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(UsageError, match=r"no apt-get(?s:.*)minikube"):
        requirements.refuse_elsewhere()


def test_nothing_is_installed_where_nothing_is_missing(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "run", lambda *_, **__: pytest.fail("apt-get was called"))
    requirements.install(progress, {"sh": "dash", "/bin/sh": "dash"})


def test_packages_are_installed_without_starting_their_services(
    progress: Progress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy = tmp_path / "policy-rc.d"
    seen: list[list[str]] = []

    def fake(argv: list[str], **_: object) -> str:
        assert subprocess.run([policy], check=False).returncode == 101
        seen.append(argv)
        return ""

    monkeypatch.setattr(requirements, "POLICY", policy)
    monkeypatch.setattr(requirements, "run", fake)
    requirements.install(progress, {"no-such-program": "its-package"})
    assert seen[-1][-1] == "its-package"
    assert not policy.exists()


def test_services_of_packages_do_not_start_at_the_next_boot_either(
    progress: Progress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(requirements, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(requirements, "run", lambda argv, **_: seen.append(argv))
    monkeypatch.setattr(requirements, "_found", lambda program: program == "iptables")
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    requirements.install(
        progress, {"prometheus": "prometheus", "iptables": "iptables", "ip": "iproute2"}
    )
    assert seen[-1] == ["systemctl", "disable", "prometheus.service"]


def test_a_failing_program_says_its_last_lines() -> None:
    with pytest.raises(OperationError, match=r"exit code 3(?s:.*)the reason"):
        run(["sh", "-c", "echo the reason >&2; exit 3"], timeout_s=10)


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(OperationError, match="more than 1 s"):
        run(["sleep", "30"], timeout_s=1)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(OperationError, match="no-such-program is not installed"):
        run(["no-such-program"], timeout_s=1)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    outer = tmp_path / "state" / "outer"
    outer.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", outer], check=True)
    (outer / "inner").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", outer / "inner"], check=True)
    yield outer
    for point in traces.mounts_below([str(tmp_path)]):
        subprocess.run(["umount", point], check=True)


@pytest.mark.root
def test_mounts_are_found_the_innermost_first(mounted: Path, tmp_path: Path) -> None:
    assert traces.mounts_below([str(tmp_path)]) == [str(mounted / "inner"), str(mounted)]
    assert traces.mounts_below([str(tmp_path / "sta")]) == []


@pytest.mark.root
def test_what_was_there_before_stays_and_the_rest_goes(
    tmp_path: Path, mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, fresh = tmp_path / "there", tmp_path / "fresh"
    there.mkdir()
    monkeypatch.setattr(traces, "FOLDERS", (str(there), str(fresh)))
    monkeypatch.setattr(traces, "CONTROL_GROUPS", "pilotlight-test-none")
    state = mounted.parent
    record = traces.Traces(state / "folders.json", state)
    record.remember()
    fresh.mkdir()
    record.remember()
    record.remove()
    assert there.exists()
    assert not fresh.exists()
    assert not state.exists()


def test_two_commands_take_turns(tmp_path: Path, progress: Progress) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        with turn(tmp_path, progress):
            order.append("second")

    with turn(tmp_path, progress):
        other = threading.Thread(target=second)
        other.start()
        inside.wait(0.3)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_a_recipe_is_known_by_all_that_decides_it() -> None:
    keys = {recipe.key for recipe in (KUBERNETES, KNATIVE, KSERVE)}
    assert len(keys) == 3
    assert KUBERNETES.key == KUBERNETES.key


def test_without_go_a_build_says_where_to_get_it(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperationError, match="apt-get install golang"):
        Binaries(tmp_path).ensure(KNATIVE, progress)


def test_what_was_applied_is_not_applied_again(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\necho x >> {calls}\n")
    program.chmod(0o755)
    kubectl = Kubectl(program, tmp_path / "kubeconfig", tmp_path / "applied")
    one = [{"kind": "Namespace", "metadata": {"name": "one"}}]
    two = [{"kind": "Namespace", "metadata": {"name": "two"}}]
    assert [kubectl.apply("x", one), kubectl.apply("x", one), kubectl.apply("x", two)] == [
        True,
        False,
        True,
    ]
    assert calls.read_text().count("x") == 2


def test_a_definition_without_conditions_is_waited_for(tmp_path: Path) -> None:
    """kubectl wait fails on it: accessor error: <nil> is of the type <nil>."""
    program = tmp_path / "kubectl"
    program.write_text(
        f"#!/bin/sh\ntest -e {tmp_path}/seen && exit 0\ntouch {tmp_path}/seen\nfalse\n"
    )
    program.chmod(0o755)
    kubectl = Kubectl(program, tmp_path / "kubeconfig", tmp_path / "applied")
    kubectl.wait_for_definitions(timeout_s=30)
    with pytest.raises(OperationError, match="exit code 1"):
        Kubectl(Path("/bin/false"), tmp_path, tmp_path).wait_for_definitions(timeout_s=0)


def test_an_apply_that_failed_is_tried_again(tmp_path: Path) -> None:
    kubectl = Kubectl(Path("/bin/false"), tmp_path / "kubeconfig", tmp_path / "applied")
    for _ in range(2):
        with pytest.raises(OperationError):
            kubectl.apply("x", [{"kind": "Namespace", "metadata": {"name": "one"}}])
