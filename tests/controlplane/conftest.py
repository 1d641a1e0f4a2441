"""A real API server without nodes: etcd and kube-apiserver, as the user who runs the tests."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pilotlight.kube.access import connect
from pilotlight.kube.document import reference_to
from pilotlight.kube.kinds import CUSTOM_RESOURCE
from pilotlight.kube.waiting import has_condition, wait
from pilotlight.settings import CacheSettings
from pilotlight_cluster.binaries import KNATIVE, KSERVE, KUBERNETES, Binaries, ensure_all
from pilotlight_cluster.console import Progress
from pilotlight_cluster.controlplane import ControlPlane


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """The cluster's programs; built on the first use, which takes minutes."""
    built = Binaries(CacheSettings().directory / "cluster" / "binaries")
    ensure_all(built, Progress(Console(stderr=True)))
    return built


@pytest.fixture(scope="session")
def control_plane(
    binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """An API server for all tests of the run; ``.kubeconfig`` is its administrator's."""
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"), binaries)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def kubectl(binaries: Binaries, control_plane: ControlPlane) -> "Kubectl":
    """kubectl of the pinned version, as administrator."""
    return Kubectl(binaries.program(KUBERNETES, "kubectl"), control_plane.kubeconfig)


@pytest.fixture(scope="session")
def crds(binaries: Binaries, kubectl: "Kubectl") -> None:
    """The CRDs of Knative Serving and of KServe, from their own releases."""
    serving = binaries.manifests(KNATIVE, "serving")
    folders = (
        serving / "300-resources",
        binaries.manifests(KSERVE, "install") / "kserve-crds.yaml",
    )
    for path in folders:
        kubectl("apply", "--server-side", "-f", str(path))
    # Not `kubectl wait`: it fails on a CRD that has no conditions yet.
    with connect(kubectl.kubeconfig) as cluster:
        for crd in cluster.list(CUSTOM_RESOURCE):
            wait(cluster, reference_to(crd), has_condition("Established"), timeout_s=60)


class Kubectl:
    """Runs kubectl and returns what it prints; an error fails the test with what it said."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self.program = program
        self.kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", *arguments]
        ended = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout
