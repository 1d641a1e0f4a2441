"""A controller for the demonstration, where the cluster has none."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight.kube.access import ApiServer
from pilotlight.kube.kinds import MUTATING_WEBHOOK
from pilotlight_canary.view.observer import controller

WEBHOOK = "pilotlight-rollout"
START_S = 60.0
STOP_S = 20.0


def holds_changes(cluster: ApiServer) -> bool:
    """Whether an installed webhook holds changed services at 0 %."""
    found = cluster.list(MUTATING_WEBHOOK, fields=f"metadata.name={WEBHOOK}")
    alive = controller(cluster, datetime.now(UTC)).alive
    return bool(alive and found and found[0].get("webhooks"))


@contextmanager
def running(cluster: ApiServer, namespace: str, kubeconfig: Path | None) -> Iterator[str]:
    """A controller that works; one of our own, for this namespace, if the cluster has none.

    Returns where it runs, in words.

    Raises:
        OperationError: Ours did not start.
    """
    found = controller(cluster, datetime.now(UTC))
    if found.alive:
        yield f"the cluster's own controller, {found.words}"
        return
    with tempfile.NamedTemporaryFile(
        prefix="pilotlight-controller-", suffix=".log", delete=False
    ) as log:
        process = subprocess.Popen(  # noqa: S603  (our own program)
            [*_program(kubeconfig), "--namespace", namespace],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PILOTLIGHT_CONTROLLER_LEASE_NAMESPACE": namespace},
            start_new_session=True,
        )
        try:
            _await(cluster, process, log.name)
            yield f"a controller of this demonstration, log in {log.name}"
        finally:
            _end(process)


def _program(kubeconfig: Path | None) -> list[str]:
    program = Path(sys.executable).with_name("pilotlight")
    words = [str(program), "rollout", "controller", "--port", "0", "--log", "text"]
    return words + (["--kubeconfig", str(kubeconfig)] if kubeconfig else [])


def _await(cluster: ApiServer, process: subprocess.Popen[bytes], log: str) -> None:
    deadline = time.monotonic() + START_S
    while not controller(cluster, datetime.now(UTC)).alive:
        if process.poll() is not None or time.monotonic() > deadline:
            last = Path(log).read_text(errors="replace").strip().splitlines()[-3:]
            raise OperationError(f"the controller did not start ({log}): {' '.join(last)}")
        time.sleep(0.5)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
