"""The controller as a process of its own, on a control plane with a platform and traffic."""

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
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE
from pilotlight_canary.observation import Action, Request
from pilotlight_canary.request import ANNOTATION, text_of

PROGRAM = Path(sys.executable).parent / "pilotlight"
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
        namespace: Whose rollouts.
        folder: For its log.
        name: Its identity.
        settings: More of ``PILOTLIGHT_CONTROLLER_*``.
    """

    kubeconfig: Path
    namespace: str
    folder: Path
    name: str = "first"
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 0

    def start(self) -> "Controller":
        self.port = free_port()
        chosen = {
            "NAMESPACES": self.namespace,
            "LEASE_NAMESPACE": self.namespace,
            "IDENTITY": f"{self.name}-{time.monotonic_ns()}",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **LEASE_S,
            **self.settings,
        }
        prefixed = {f"PILOTLIGHT_CONTROLLER_{name}": value for name, value in chosen.items()}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "rollout", "controller", f"--kubeconfig={self.kubeconfig}"],
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


@dataclass(frozen=True)
class Stage:
    """An InferenceService and its rollout, as people see them.

    Args:
        cluster: As administrator.
        namespace: Where both are.
        name: Of both.
    """

    cluster: ApiServer
    namespace: str
    name: str

    @property
    def rollout(self) -> Reference:
        return Reference(INFERENCE_ROLLOUT, self.name, self.namespace)

    @property
    def service(self) -> Reference:
        return Reference(INFERENCE_SERVICE, self.name, self.namespace)

    def deploy(self, image: str = "good", **env: str) -> Document:
        """Make the InferenceService."""
        container = {"name": "kserve-container", "image": image, "env": _env(env)}
        predictor = {"minReplicas": 1, "containers": [container]}
        return self.cluster.create(
            {
                "apiVersion": INFERENCE_SERVICE.api_version,
                "kind": INFERENCE_SERVICE.name,
                "metadata": {"name": self.name, "namespace": self.namespace},
                "spec": {"predictor": predictor},
            }
        )

    def change(self, image: str = "good", **env: str) -> Document:
        """A new version, held at 0 % in the same write, as people do without the webhook."""
        container = {"name": "kserve-container", "image": image, "env": _env(env)}
        predictor = {"containers": [container], "canaryTrafficPercent": 0}
        return self.cluster.patch(self.service, {"spec": {"predictor": predictor}})

    def enrol(self, **spec: Any) -> Document:
        """Make the InferenceRollout."""
        return self.cluster.create(
            {
                "apiVersion": INFERENCE_ROLLOUT.api_version,
                "kind": INFERENCE_ROLLOUT.name,
                "metadata": {"name": self.name, "namespace": self.namespace},
                "spec": {"targetRef": {"name": self.name}, **spec},
            }
        )

    def ask(self, action: str) -> None:
        """A person's request."""
        request = Request(str(time.monotonic_ns()), Action(action), "a test")
        change = {"metadata": {"annotations": {ANNOTATION: text_of(request)}}}
        self.cluster.patch(self.rollout, change)

    def status(self) -> Document:
        found: Document = self.cluster.get(self.rollout).get("status") or {}
        return found

    def phase(self) -> str:
        return str(self.status().get("phase") or "")

    def predictor(self) -> Document:
        """KServe's status of the predictor."""
        status = self.cluster.get(self.service).get("status") or {}
        found: Document = (status.get("components") or {}).get("predictor") or {}
        return found

    def percent(self) -> int | None:
        """``canaryTrafficPercent``."""
        found: int | None = self.cluster.get(self.service)["spec"]["predictor"].get(
            "canaryTrafficPercent"
        )
        return found

    def until(self, *phases: str, timeout_s: float = 60) -> Document:
        """The status, once it is in one of these phases."""
        await_(lambda: self.phase() in phases, timeout_s, lambda: f"it is {self.status()}")
        return self.status()


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


def _env(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
