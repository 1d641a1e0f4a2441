"""Where the local cluster keeps what it builds, and what it runs on."""

from dataclasses import dataclass
from pathlib import Path

from pilotlight.settings import CacheSettings

STATE = Path("/var/lib/pilotlight-cluster")


@dataclass(frozen=True)
class Layout:
    """Folders of one cluster.

    Attributes:
        cache: Binaries and images, kept when the cluster goes.
        state: Everything that the running cluster writes; removed with it.
        volumes: Folders that stand for persistent volumes, one per claim.
    """

    cache: Path
    state: Path
    volumes: Path

    @property
    def binaries(self) -> Path:
        return self.cache / "binaries"

    @property
    def images(self) -> Path:
        return self.cache / "images"

    @property
    def secrets(self) -> Path:
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's; for people and tests."""
        return self.state / "admin.kubeconfig"

    @property
    def processes(self) -> Path:
        return self.state / "processes"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def containerd_socket(self) -> Path:
        return self.state / "containerd" / "containerd.sock"


def of_this_machine() -> Layout:
    """The one cluster that this machine can run."""
    cache = CacheSettings().directory
    return Layout(cache=cache / "cluster", state=STATE, volumes=cache / "volumes")
