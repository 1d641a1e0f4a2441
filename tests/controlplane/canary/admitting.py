"""The installation of manifests/controller, with its webhooks answered by the test's process."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import (
    INFERENCE_SERVICE,
    MUTATING_WEBHOOK,
    NAMESPACE,
    SECRET,
    VALIDATING_WEBHOOK,
)
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_canary.admission.server import Admission, serve
from pilotlight_canary.admission.template import PERCENT, TEMPLATE_HASH
from pilotlight_canary.admission.tls import Certificate
from pilotlight_canary.admission.upkeep import Upkeep, user_of
from pilotlight_canary.admission.webhooks import NAME
from tests.controlplane.conftest import Kubectl

MANIFESTS = Path("manifests/controller")
SYSTEM = "pilotlight-system"
SECRET_NAME = "pilotlight-rollout-webhook"
CONTROLLER = user_of(SYSTEM, "pilotlight-rollout-controller")
CRDS = [
    Reference(
        kind=replace(MUTATING_WEBHOOK, api_version="apiextensions.k8s.io/v1", name=_),
        name=f"{plural}.pilotlight.dev",
    )
    for _, plural in (
        ("CustomResourceDefinition", "inferencerollouts"),
        ("CustomResourceDefinition", "warmpools"),
    )
]


@dataclass(frozen=True)
class Told:
    """What kubectl said."""

    code: int
    output: str
    warnings: str


@dataclass(frozen=True)
class Installation:
    """An API server that asks the webhooks.

    Args:
        cluster: As administrator.
        controller: As the controller's service account, with the permissions of the manifests.
        upkeep: What the leader keeps up.
        certificate: Of this one replica.
    """

    cluster: ApiServer
    controller: ApiServer
    upkeep: Upkeep
    certificate: Certificate
    kubectl: Kubectl

    def keep(self, now: datetime | None = None) -> bool:
        """One round of the leader's upkeep; then the replica looks at the Secret."""
        written = self.upkeep.keep(now or datetime.now(UTC)).written
        self.certificate.look()
        return written

    def say(self, *arguments: str, stdin: str | None = None, namespace: str = "") -> Told:
        """Run kubectl; a refusal is an answer like another."""
        where = ["-n", namespace] if namespace else []
        command = [str(self.kubectl.program), f"--kubeconfig={self.kubectl.kubeconfig}"]
        ended = subprocess.run(
            [*command, *where, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Told(ended.returncode, ended.stdout, ended.stderr)


@contextmanager
def installed(kubectl: Kubectl) -> Iterator[Installation]:
    """Everything of manifests/controller, and one replica's webhooks on a port of this machine."""
    kubectl("apply", "-k", str(MANIFESTS))
    with (
        connect(kubectl.kubeconfig) as cluster,
        connect(kubectl.kubeconfig, impersonate=CONTROLLER) as controller,
    ):
        for crd in CRDS:
            wait(cluster, crd, has_condition("Established"), timeout_s=20)
        secret = Reference(SECRET, SECRET_NAME, SYSTEM)
        certificate = Certificate(controller, secret)
        with _serving(Admission(controller, CONTROLLER), certificate) as port:
            upkeep = Upkeep(
                controller,
                secret,
                CONTROLLER,
                ("127.0.0.1",),
                lambda path: {"url": f"https://127.0.0.1:{port}{path}"},
            )
            try:
                yield Installation(cluster, controller, upkeep, certificate, kubectl)
            finally:
                for kind in (MUTATING_WEBHOOK, VALIDATING_WEBHOOK):
                    cluster.delete(Reference(kind, NAME))
                cluster.delete(Reference(NAMESPACE, SYSTEM))


@contextmanager
def _serving(admission: Admission, certificate: Certificate) -> Iterator[int]:
    ports: list[int] = []
    up, down = threading.Event(), threading.Event()

    async def run() -> None:
        runner, port = await serve(admission, certificate, "127.0.0.1", 0)
        ports.append(port)
        up.set()
        await asyncio.to_thread(down.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert up.wait(10)
        yield ports[0]
    finally:
        down.set()
        thread.join()


def service(name: str, namespace: str, image: str = "a", **predictor: Any) -> Document:
    """An InferenceService with one container."""
    return {
        "apiVersion": INFERENCE_SERVICE.api_version,
        "kind": INFERENCE_SERVICE.name,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {"serving.kserve.io/deploymentMode": "Knative"},
        },
        "spec": {
            "predictor": {
                "containers": [{"name": "kserve-container", "image": image, "resources": {}}],
                **predictor,
            }
        },
    }


def rollout(name: str, namespace: str, target: str, **spec: Any) -> Document:
    """An InferenceRollout."""
    return {
        "apiVersion": "pilotlight.dev/v1alpha1",
        "kind": "InferenceRollout",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"targetRef": {"name": target}, **spec},
    }


def roll_out(cluster: ApiServer, reference: Reference, *components: str) -> None:
    """What KServe says once a revision has all the traffic."""
    status = {
        "components": {c: {"latestRolledoutRevision": f"{c}-00001"} for c in components},
        "deploymentMode": "Knative",
    }
    cluster.patch(reference, {"status": status}, subresource="status")


def shares(document: Document, components: Sequence[str] = ("predictor",)) -> list[Any]:
    """By component, its percentage and whether it is marked as held."""
    found = []
    for component in components:
        part = document["spec"][component]
        found.append((part.get(PERCENT), TEMPLATE_HASH in (part.get("annotations") or {})))
    return found
