"""From a cluster in any state to a machine as it was before."""

import shlex
import time
from collections.abc import Callable, Set
from contextlib import suppress
from pathlib import Path

from pilotlight.errors import OperationError, PilotlightError
from pilotlight_cluster.cluster import Cluster
from pilotlight_cluster.command_line import run
from pilotlight_cluster.console import Progress
from pilotlight_cluster.process import Identity, end, start_ticks

EVICTION_S = 20
POLL_S = 0.3
CLEANUP_TIMEOUT_S = 60


class Down:
    """Ends processes in the reverse order of their start; needs none of them to answer."""

    def __init__(self, cluster: Cluster, progress: Progress) -> None:
        self.cluster = cluster
        self.progress = progress

    def run(self) -> bool:
        """Take the cluster away; ``False`` when there was none.

        Raises:
            OperationError: Something of it cannot be removed; says what.
        """
        if not self.cluster.layout.state.exists():
            return False
        self.cluster.traces.leave()
        with self.progress.step("pods"):
            self._evict()
        with self.progress.step("processes"):
            self._stop()
        with self.progress.step("network, mounts and files"):
            self._clean()
        return True

    def _evict(self) -> None:
        """Let the kubelet take pods down, as it also takes down their network and mounts."""
        supervisor = self.cluster.supervisor
        supervisor.stop("kube-controller-manager")
        supervisor.stop("kube-scheduler")
        if supervisor.find("kubelet") and supervisor.find("containerd"):
            with suppress(OperationError):
                self._delete_pods()
        supervisor.stop("kubelet")
        if supervisor.find("containerd"):
            with suppress(OperationError):
                self.cluster.containerd.kill_all()

    def _delete_pods(self) -> None:
        # Webhooks would be asked about pods, and their own pods are among those that go.
        kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations"
        kubectl = self.cluster.kubectl
        kubectl("delete", kinds, "--all", "--wait=false")
        kubectl(
            *("delete", "pods", "--all", "--all-namespaces"),
            *("--grace-period=1", "--force", "--wait=false"),
        )
        deadline = time.monotonic() + EVICTION_S
        while self.cluster.containerd.containers() and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def _stop(self) -> None:
        supervisor = self.cluster.supervisor
        for name in reversed(supervisor.names()):
            if name not in ("kube-apiserver", "etcd"):
                supervisor.stop(name)
        supervisor.stop("kube-apiserver")
        supervisor.stop("etcd")
        # What is left of pods when containerd could not end them; shims first, which watch them.
        for shim in _shims(str(self.cluster.layout.containerd_socket)):
            end(shim, timeout_s=2)
        for process in contained(self.cluster.containerd.tasks()):
            end(process, timeout_s=0)

    def _clean(self) -> None:
        # It reports a failure on rules that are not there.
        with suppress(PilotlightError):
            run(self.cluster.node.proxy_cleanup(), timeout_s=CLEANUP_TIMEOUT_S)
        self._remove_rules("KUBE-")
        self.cluster.network.down()
        self.cluster.traces.remove()

    def _remove_rules(self, prefix: str) -> None:
        """What kube-proxy's own cleanup leaves: canaries and empty chains."""
        for family in ("iptables", "ip6tables"):
            for table in ("nat", "filter", "mangle"):
                with suppress(OperationError):
                    _remove_chains(family, table, prefix)


def _remove_chains(family: str, table: str, prefix: str) -> None:
    saved = run([family, "-w", "10", "-t", table, "-S"], timeout_s=CLEANUP_TIMEOUT_S).splitlines()
    command = [family, "-w", "10", "-t", table]
    chains = [line.split()[1] for line in saved if line.startswith(f"-N {prefix}")]
    for line in saved:
        if line.startswith("-A ") and f"-j {prefix}" in line:
            run([*command, "-D", *shlex.split(line)[1:]], timeout_s=CLEANUP_TIMEOUT_S)
    for chain in chains:
        run([*command, "-F", chain], timeout_s=CLEANUP_TIMEOUT_S)
    for chain in chains:
        run([*command, "-X", chain], timeout_s=CLEANUP_TIMEOUT_S)


def contained(containers: Set[str]) -> list[Identity]:
    """Processes in the control groups of the given containers, whose ids no other has."""
    return _processes(
        lambda folder: any(container in (folder / "cgroup").read_text() for container in containers)
    )


def _shims(socket: str) -> list[Identity]:
    """Shims are containerd's, not ours, but they name its socket, which is ours alone."""

    def is_shim(folder: Path) -> bool:
        words = (folder / "cmdline").read_bytes().split(b"\0")
        return socket.encode() in words and b"shim" in words[0]

    return _processes(is_shim)


def _processes(wanted: Callable[[Path], bool]) -> list[Identity]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            ticks = start_ticks(int(folder.name))
            if ticks is not None and wanted(folder):
                found.append(Identity(int(folder.name), ticks))
    return found
