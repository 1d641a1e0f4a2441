"""containerd: its settings, and what runs in it."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster.command_line import run
from pilotlight_cluster.file import write
from pilotlight_cluster.health import listens_at
from pilotlight_cluster.layout import Layout
from pilotlight_cluster.network import POD_RANGE
from pilotlight_cluster.process import Program

PAUSE_IMAGE = "dev.local/pause:1"
CNI_PROGRAMS = Path("/usr/lib/cni")
IMPORT_TIMEOUT_S = 600
TIMEOUT_S = 60
LOOKS = 5
"""How often a layer is looked for."""
TASKS = "io.containerd.runtime.v2.task/k8s.io"

# Without restrict_oom_score_adj no pod starts where CAP_SYS_RESOURCE is missing, as in a container.
SETTINGS = """\
version = 2
root = "{folder}/root"
state = "{folder}/run"
oom_score = 0
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_programs}"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


@dataclass(frozen=True)
class Containerd:
    """The container runtime of one cluster."""

    layout: Layout

    @property
    def folder(self) -> Path:
        return self.layout.state / "containerd"

    @property
    def _inputs(self) -> tuple[Path, Path]:
        return self.folder / "config.toml", self.folder / "cni" / "10-pods.conflist"

    def prepare(self) -> None:
        """Write its settings and the pods' network down."""
        settings, pods = self._inputs
        text = SETTINGS.format(
            folder=self.folder,
            socket=self.layout.containerd_socket,
            pause=PAUSE_IMAGE,
            cni_programs=CNI_PROGRAMS,
        )
        write(settings, text)
        write(pods, json.dumps(_pod_network(self.layout.state / "cni"), indent=2))

    def program(self) -> Program:
        """containerd itself."""
        return Program(
            name="containerd",
            argv=("containerd", f"--config={self._inputs[0]}"),
            healthy=listens_at(self.layout.containerd_socket),
            inputs=self._inputs,
        )

    def import_archive(self, archive: Path) -> list[str]:
        """Take every image of a docker-archive or OCI archive; their names."""
        said = self.ctr("images", "import", str(archive), timeout_s=IMPORT_TIMEOUT_S)
        return re.findall(r"^unpacking (\S+) ", said, re.MULTILINE)

    def images(self) -> set[str]:
        """Names of the images that pods can use."""
        return set(self.ctr("images", "list", "-q").split())

    def containers(self) -> list[str]:
        """Ids of all containers, pods' sandboxes included."""
        return self.ctr("containers", "list", "-q").split()

    def tasks(self) -> set[str]:
        """Ids of the containers that run, or did when containerd ended."""
        return {task.name for task in (self.folder / "run" / TASKS).glob("*")}

    def top_layer(self, chain: str) -> Path:
        """The folder that holds the files of an image's last layer.

        Args:
            chain: The layer's chain id (OCI image-spec, config.md): ``sha256:…``.
        """
        name = "pilotlight-look"
        for left in reversed(range(LOOKS)):
            self._try("snapshots", "remove", name)
            try:
                self.ctr("snapshots", "view", name, chain)
                mounts = self.ctr("snapshots", "mounts", "/unused", name)
            except OperationError:
                # Nothing refers to a view: containerd's garbage collection may have taken it.
                if not left:
                    raise
            else:
                break
            finally:
                self._try("snapshots", "remove", name)
        option = next(word for word in mounts.replace(",", " ").split() if "lowerdir=" in word)
        return Path(option.partition("lowerdir=")[2].split(":")[0])

    def kill_all(self) -> None:
        """End every container at once, without the kubelet."""
        for container in self.containers():
            for arguments in (
                ("tasks", "kill", "--signal", "SIGKILL", "--all", container),
                ("tasks", "delete", "--force", container),
                ("containers", "delete", container),
            ):
                self._try(*arguments)

    def ctr(self, *arguments: str, timeout_s: float = TIMEOUT_S) -> str:
        """Run containerd's own client in the namespace of Kubernetes."""
        socket = str(self.layout.containerd_socket)
        command = ["ctr", "--address", socket, "--namespace", "k8s.io", *arguments]
        return run(command, timeout_s=timeout_s)

    def _try(self, *arguments: str) -> None:
        with suppress(OperationError):
            self.ctr(*arguments)


def _pod_network(data: Path) -> dict[str, object]:
    """A link of its own for each pod: all traffic passes the node's routing, and so kube-proxy."""
    address = {
        "type": "host-local",
        "dataDir": str(data),
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pilotlight",
        "plugins": [{"type": "ptp", "ipMasq": False, "ipam": address}],
    }
