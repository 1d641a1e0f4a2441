"""The controller that acts at the moment, and its sudden end."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import LEASE, POD
from tests.e2e.local_cluster import LocalCluster
from tests.e2e.waiting import until

NAMESPACE = "pilotlight-system"
TAKEN_OVER_S = 60.0


@dataclass(frozen=True)
class Leader:
    """Who holds the lease of the rollouts' controllers."""

    cluster: LocalCluster
    lease: str

    def holder(self) -> str:
        """As it calls itself in the lease; empty if nobody does."""
        lease = self.cluster.api.get(Reference(LEASE, self.lease, NAMESPACE))
        return str(lease["spec"].get("holderIdentity") or "")

    def pod(self) -> Document:
        """Its pod."""
        holder = self.holder()
        pods = self.cluster.api.list(POD, NAMESPACE)
        return next(pod for pod in pods if pod["metadata"]["name"] in holder)

    def kill(self) -> str:
        """SIGKILL to its process, as the kernel does when memory is short; who it was."""
        pod = self.pod()
        for pid in processes(pod):
            os.kill(pid, signal.SIGKILL)
        return self.holder()

    def replaced(self, before: str) -> None:
        """Wait until somebody acts again: another one, or the same pod's next process."""
        until("another controller acts", lambda: self._acts_after(before), TAKEN_OVER_S)

    def _acts_after(self, before: str) -> bool:
        return self.holder() not in ("", before)


def processes(pod: Document) -> list[int]:
    """The controller's processes in a pod, by their control group and command line."""
    uid = pod["metadata"]["uid"]
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            group = (entry / "cgroup").read_text().replace("_", "-")
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if uid in group and b"pilotlight" in command:
            found.append(int(entry.name))
    assert found, f"no process of pod {pod['metadata']['name']} on this machine"
    return found
