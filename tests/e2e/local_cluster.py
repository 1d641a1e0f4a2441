"""The cluster of ``pilotlight cluster``, as people meet it: through its command."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pilotlight.kube.access import ApiServer, connect

PILOTLIGHT = str(Path(sys.executable).with_name("pilotlight"))
# Building the binaries for the first time takes a quarter of an hour on two cores.
UP_S = 2400.0
STATUS_S = 60.0
KUBECTL_S = 60.0


@dataclass(frozen=True)
class LocalCluster:
    """The running cluster.

    Args:
        status: As ``pilotlight cluster status --json`` prints it.
    """

    status: dict[str, Any]

    @property
    def gateway(self) -> str:
        """Address of the ingress gateway, which cluster hosts are asked at."""
        return str(self.status["gateway"]).rstrip("/")

    @property
    def kubeconfig(self) -> Path:
        return Path(self.status["kubeconfig"])

    @cached_property
    def api(self) -> ApiServer:
        """Its API server."""
        return connect(self.kubeconfig, timeout_s=20)

    def pids(self) -> dict[str, int]:
        """Process ids of its components, as they are now."""
        return {part["name"]: part["pid"] for part in read_status()["components"]}

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        return run("kubectl", "--", *arguments, timeout_s=KUBECTL_S).stdout


def run(*arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """``pilotlight cluster ARGUMENTS…``.

    Raises:
        AssertionError: It failed; the message has all that it said.
    """
    command = [PILOTLIGHT, "cluster", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    said = f"{ended.stdout[-6000:]}\n{ended.stderr[-6000:]}"
    assert ended.returncode == 0, f"{' '.join(arguments)} ended with {ended.returncode}:\n{said}"
    return ended


def read_status() -> dict[str, Any]:
    """``pilotlight cluster status --json``; it ends with 1 when the cluster is not running."""
    command = [PILOTLIGHT, "cluster", "status", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=STATUS_S, check=False)
    assert ended.stdout.strip(), f"status says nothing: {ended.stderr}"
    status: dict[str, Any] = json.loads(ended.stdout)
    return status


def up() -> LocalCluster:
    """``pilotlight cluster up``."""
    run("up", timeout_s=UP_S)
    return LocalCluster(read_status())


@contextmanager
def without(cluster: LocalCluster, component: str) -> Iterator[None]:
    """A component is killed, and comes back afterwards by another ``up``."""
    os.kill(cluster.pids()[component], signal.SIGKILL)
    try:
        yield
    finally:
        run("up", "--no-images", timeout_s=300)
