"""A controller as a process of its own, on a control plane."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from pilotlight.errors import ClusterError

PROGRAM = Path(sys.executable).parent / "pilotlight"
PREFIXES = {"rollout": "PILOTLIGHT_CONTROLLER_", "warmpool": "PILOTLIGHT_WARMPOOL_"}
LEASE_S = {"LEASE_S": "2", "RENEW_DEADLINE_S": "1.5", "RETRY_S": "0.3"}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Controller:
    """One process.

    Args:
        kubeconfig: As whom it acts.
        namespace: Whose objects, separated by commas; the lease is in the first.
        folder: For its log.
        name: Its identity.
        settings: More of its environment, without the prefix.
        part: Which controller.
    """

    kubeconfig: Path
    namespace: str
    folder: Path
    name: str = "first"
    settings: Mapping[str, str] = field(default_factory=dict)
    part: str = "rollout"
    port: int = 0

    def start(self) -> "Controller":
        self.port = free_port()
        chosen = {
            "NAMESPACES": self.namespace,
            "LEASE_NAMESPACE": self.namespace.partition(",")[0],
            "IDENTITY": f"{self.name}-{time.monotonic_ns()}",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **LEASE_S,
            **self.settings,
        }
        prefixed = {f"{PREFIXES[self.part]}{name}": value for name, value in chosen.items()}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), self.part, "controller", f"--kubeconfig={self.kubeconfig}"],
                env=os.environ | prefixed,
                stdout=log,
                stderr=log,
            )
        return self

    def __enter__(self) -> "Controller":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended; ``None``: it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL: it has no time for anything."""
        self._process.kill()
        self._process.wait(10)

    def freeze(self) -> None:
        """SIGSTOP: its clock goes on, and it does not."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self, timeout_s: float = 20) -> int:
        """SIGTERM; how it ended."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """How it ended by itself."""
        return self._process.wait(timeout_s)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of its pages; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        status, text = self.get("/metrics")
        assert status == 200, text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def lines(self) -> list[dict[str, Any]]:
        """Its log."""
        found = []
        for line in self.log.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"message": line})
        return found


def await_(
    is_so: Callable[[], bool], timeout_s: float, problem: Callable[[], str] = lambda: ""
) -> None:
    """Look until it is so.

    Raises:
        AssertionError: Not in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if is_so():
                return
        except ClusterError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not in {timeout_s:g} s: {problem()}")
