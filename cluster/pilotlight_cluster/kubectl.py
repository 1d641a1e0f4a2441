"""kubectl of the pinned version, as the cluster's administrator."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight.kube.document import Document
from pilotlight_cluster.command_line import DIRECT, run
from pilotlight_cluster.file import write

APPLY_TIMEOUT_S = 180
POLL_S = 0.5


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl.

    Attributes:
        applied: Folder that remembers what was applied, so that applying it again costs nothing.
    """

    program: Path
    kubeconfig: Path
    applied: Path

    def __call__(self, *arguments: str, timeout_s: float = 60, stdin: str | None = None) -> str:
        """What it prints.

        Raises:
            OperationError: It failed, with what it said.
        """
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", *arguments]
        return run(command, timeout_s=timeout_s, stdin=stdin, environment=DIRECT)

    def apply(self, name: str, documents: Sequence[Document]) -> bool:
        """Apply objects (server-side), unless the same were applied under that name before."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        mark = self.applied / name
        digest = hashlib.sha256(text.encode()).hexdigest()
        if mark.exists() and mark.read_text() == digest:
            return False
        arguments = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        self(*arguments, stdin=text, timeout_s=APPLY_TIMEOUT_S)
        write(mark, digest)
        return True

    def wait_for_definitions(self, timeout_s: float = 60) -> None:
        """Return when every CustomResourceDefinition is served."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
            except OperationError:
                # It does not wait for, but fails on a definition whose conditions are null yet.
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)
            else:
                return

    def wait_for_deployments(self, *namespaces: str, timeout_s: int = 180) -> None:
        """Return when every deployment of the namespaces is available."""
        for namespace in namespaces:
            self(
                *("-n", namespace, "wait", "--for=condition=Available", "deployments", "--all"),
                f"--timeout={timeout_s}s",
                timeout_s=timeout_s + 10,
            )

    def unready_pods(self, *namespaces: str) -> list[str]:
        """One line on each container that does not run, with its pod's name."""
        lines: list[str] = []
        for namespace in namespaces:
            pods = json.loads(self("-n", namespace, "get", "pods", "-o", "json"))["items"]
            lines += [line for pod in pods for line in _complaints(pod)]
        return lines


def _complaints(pod: Document) -> list[str]:
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    statuses = pod["status"].get("containerStatuses", [])
    if not statuses:
        conditions = pod["status"].get("conditions", [])
        reasons = [c["message"] for c in conditions if c.get("message")]
        return [f"{name}: {'; '.join(reasons) or pod['status'].get('phase', 'unknown')}"]
    lines = []
    for status in statuses:
        if not status["ready"]:
            state, detail = next(iter(status["state"].items()))
            reason = detail.get("message") or detail.get("reason") or "not ready"
            lines.append(f"{name} ({status['name']}): {state}: {reason}")
    return lines
