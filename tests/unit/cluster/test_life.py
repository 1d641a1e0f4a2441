"""A cluster that was interrupted: on the way up, on the way down, or by a reboot."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pilotlight.errors import OperationError, UsageError
from pilotlight_cluster import down, file, network, requirements, traces
from pilotlight_cluster.certificates import Authority
from pilotlight_cluster.cluster import Cluster
from pilotlight_cluster.console import Progress
from pilotlight_cluster.layout import Layout
from pilotlight_cluster.status import observe
from pilotlight_cluster.up import Up


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(quiet=True))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "cache", tmp_path / "state", tmp_path / "volumes")


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "folder" / "settings"
    file.write(target, "one")

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        file.write(target, "two")
    assert target.read_text() == "one"


def test_a_full_disk_is_said_in_one_line_with_the_step(progress: Progress) -> None:
    with pytest.raises(OperationError, match=r"network: .*No space left"), progress.step("network"):
        raise OSError(28, "No space left on device")


def test_to_look_at_a_cluster_writes_nothing(layout: Layout) -> None:
    """`status` beside a `down` would otherwise make anew what that has removed."""
    layout.state.mkdir()
    layout.kubeconfig.touch()
    seen = observe(Cluster(layout))
    assert not seen.running
    assert [path.name for path in layout.state.rglob("*")] == [layout.kubeconfig.name]


def test_what_programs_read_is_there_once_prepared(layout: Layout) -> None:
    cluster = Cluster(layout)
    cluster.prepare()
    programs = cluster.programs()
    named = {
        Path(word.partition("=")[2] or word)
        for program in programs
        for word in program.argv
        if str(layout.state) in word and word.endswith((".crt", ".key", "config", ".yaml", ".toml"))
    }
    assert named
    assert [path for path in named if not path.is_file()] == []
    before = [program.fingerprint for program in programs]
    cluster.prepare()
    assert [program.fingerprint for program in cluster.programs()] == before


def test_secrets_are_readable_by_their_owner_alone(layout: Layout) -> None:
    Cluster(layout).prepare()
    for path in layout.state.rglob("*"):
        if path.suffix in (".key", ".kubeconfig"):
            assert path.stat().st_mode & 0o077 == 0, path
    assert layout.secrets.stat().st_mode & 0o077 == 0


def test_a_removal_that_was_interrupted_is_ended_before_anything_starts(
    layout: Layout, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(layout)
    layout.state.mkdir()
    cluster.traces.leave()
    order: list[str] = []
    monkeypatch.setattr(requirements, "refuse_elsewhere", lambda: None)
    monkeypatch.setattr("pilotlight_cluster.up.Down.run", lambda _: order.append("down"))

    def stop(*_: object) -> None:
        order.append("install")
        raise OperationError("far enough")

    monkeypatch.setattr(requirements, "install", stop)
    with pytest.raises(OperationError, match="far enough"):
        Up(cluster, progress).run(project_images=False)
    assert order == ["down", "install"]


def test_the_sign_of_a_removal_is_the_last_thing_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "FOLDERS", ())
    monkeypatch.setattr(traces, "CONTROL_GROUPS", "pilotlight-test-none")
    record = traces.Traces(tmp_path / "state" / "folders.json", tmp_path / "state")
    record.remember()
    (tmp_path / "state" / "zoo").mkdir()
    record.leave()

    def crash(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr("shutil.rmtree", crash)
        with pytest.raises(OSError, match="Input/output"):
            record.remove()
    assert record.leaving
    record.remove()
    assert not (tmp_path / "state").exists()


@pytest.fixture
def container() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    name = uuid.uuid4().hex * 2
    tree = Path("/sys/fs/cgroup")
    group = (tree / "pids" if (tree / "pids").is_dir() else tree) / f"pilotlight-test-{name}"
    group.mkdir()
    process = subprocess.Popen(["sleep", "60"])
    (group / "cgroup.procs").write_text(str(process.pid))
    yield name, process
    process.kill()
    process.wait()
    group.rmdir()


@pytest.mark.root
def test_processes_of_our_containers_are_found_without_containerd(
    container: tuple[str, subprocess.Popen[bytes]],
) -> None:
    name, process = container
    assert [found.pid for found in down.contained({name})] == [process.pid]
    assert down.contained({uuid.uuid4().hex * 2}) == []
    assert down.contained(set()) == []


def test_another_kubelet_is_noticed_whatever_its_cgroup_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "CONTROL_GROUPS", tmp_path)
    state = tmp_path / "state"
    requirements.refuse_another_kubelet(state)
    for group in ("kubepods", "kubepods.slice", "memory/kubepods", "systemd/kubepods.slice"):
        (tmp_path / group).mkdir(parents=True)
        with pytest.raises(OperationError, match="another kubelet"):
            requirements.refuse_another_kubelet(state)
        (tmp_path / group).rmdir()
    (tmp_path / "kubepods").mkdir()
    state.mkdir()
    requirements.refuse_another_kubelet(state)


def test_programs_of_the_system_are_found_with_a_users_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/opt/mine:/usr/bin:/bin")
    requirements.complete_path()
    assert os.environ["PATH"] == "/opt/mine:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def test_another_user_is_told_how_to_become_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match=r"sudo -E env PATH=\$PATH pilotlight cluster"):
        requirements.refuse_without_root()


def test_to_name_a_certificate_makes_none(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    assert not authority.pair("admin").key.exists()
    assert not authority.folder.exists()


def test_nothing_but_the_machine_and_its_pods_reaches_the_cluster() -> None:
    """A neighbour with a route here would otherwise: Linux answers on each of its addresses."""
    dropped = [rule for rule in network._rules() if rule[-1] == "DROP"]
    assert {rule[rule.index("-d") + 1] for rule in dropped} == {
        network.NODE_RANGE,
        network.POD_RANGE,
        network.SERVICE_RANGE,
    }


def test_kernel_settings_are_remembered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second `up` would otherwise take the cluster's own for those of before."""
    memory = tmp_path / "sysctl.json"
    memory.write_text(json.dumps({"net/ipv4/ip_forward": "0\n"}))
    monkeypatch.setattr(
        network, "_refuse_a_used_range", lambda: pytest.fail("pods' links are ours")
    )
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(network, "run", lambda argv, **_: calls.append(tuple(argv)))
    monkeypatch.setattr(network, "_sysctl", lambda name: tmp_path / Path(name).name)
    (tmp_path / "ip_forward").write_text("0")
    monkeypatch.setattr(network, "_device", lambda: False)
    assert network.Network(memory).up()
    assert json.loads(memory.read_text()) == {"net/ipv4/ip_forward": "0\n"}
    assert (tmp_path / "ip_forward").read_text() == "1"
