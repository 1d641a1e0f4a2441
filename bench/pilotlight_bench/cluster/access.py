"""Which cluster to measure on, and where its ingress gateway is."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import UsageError
from pilotlight.kube.access import ApiServer, connect

_STATUS_S = 60.0
_HINT = "start one with `pilotlight cluster up`, or name yours by --kubeconfig and --gateway"


@dataclass(frozen=True, slots=True)
class Access:
    """A cluster from outside.

    Args:
        kubeconfig: For its API server.
        gateway: URL of its ingress gateway, which hosts of services are asked at.
    """

    kubeconfig: Path
    gateway: str

    def connect(self) -> ApiServer:
        """A connection to its API server."""
        return connect(self.kubeconfig)


def find(kubeconfig: Path | None, gateway: str | None) -> Access:
    """The cluster that is named, else the one of ``pilotlight cluster``.

    Raises:
        UsageError: None is named in full, and none runs here.
    """
    if kubeconfig is not None and gateway is not None:
        return Access(kubeconfig, gateway.rstrip("/"))
    if kubeconfig is not None or gateway is not None:
        raise UsageError(f"--kubeconfig and --gateway belong together: {_HINT}")
    return _local()


def _local() -> Access:
    # The parts meet in their commands, not in each other's code.
    command = [str(Path(sys.executable).with_name("pilotlight")), "cluster", "status", "--json"]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=_STATUS_S, check=False
        )
        status = json.loads(ended.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"the local cluster's status cannot be read ({error}): {_HINT}") from error
    if not status.get("running"):
        raise UsageError(f"no local cluster is running: {_HINT}")
    return Access(Path(status["kubeconfig"]), str(status["gateway"]).rstrip("/"))
