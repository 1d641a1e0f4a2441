"""An InferenceService and its rollout, on a control plane with a platform and traffic."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, INFERENCE_SERVICE
from pilotlight_canary.observation import Action, Request
from pilotlight_canary.request import ANNOTATION, text_of
from tests.controlplane.process import await_


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


def _env(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
