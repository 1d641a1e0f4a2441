"""Without Knative the lever is KServe's own minimum: it comes and goes, and no pod restarts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pytest

from pilotlight.errors import NotInCluster
from pilotlight.kserve.names import DEPLOYMENT_MODE, annotations
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import CONFIG_MAP, DEPLOYMENT
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_autoscaler.kserve.notes import NAME as NOTES
from pilotlight_autoscaler.kserve.places import AUTOSCALER, NONE
from tests.e2e.standin.service import StandInService
from tests.e2e.waiting import until
from tests.e2e.warmpools.warmed import Warmed
from tests.e2e.workspace import READY_S, Workspace

pytestmark = pytest.mark.usefixtures("controllers")
SCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler")
MOVED_S = 45.0
"""Kubernetes' own autoscaler looks every 15 s."""


@dataclass(frozen=True)
class Standard:
    """A stand-in in a Deployment, one replica at least.

    Args:
        workspace: Where it is.
        name: Of the InferenceService and its WarmPool.
        annotations: Of the InferenceService, besides its mode.
    """

    workspace: Workspace
    name: str
    annotations: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def warmed(self) -> Warmed:
        """Its warm pool."""
        return Warmed(self.workspace, self.name)

    def deploy(self) -> None:
        """Wait until it is ready."""
        service = StandInService(self.name, min_replicas=1)
        manifest = service.inference_service()
        manifest["metadata"]["annotations"] = {DEPLOYMENT_MODE: "Standard", **self.annotations}
        # Kubernetes' own autoscaler knows no concurrency.
        for unknown in ("scaleMetric", "scaleTarget"):
            del manifest["spec"]["predictor"][unknown]
        self.workspace.apply([service.manifests()[0], manifest])
        reference = self.workspace.reference(self.name)
        wait(self.workspace.cluster.api, reference, has_condition("Ready"), timeout_s=READY_S)
        self.workspace.wait_pods(self.name, 1, READY_S)

    def hold_two(self) -> None:
        """Wait until a pool has made two replicas ready."""
        self.warmed.pool(minReplicas=2, maxReplicas=2)
        until("two are ready", lambda: self._deployed("status").get("readyReplicas") == 2, MOVED_S)

    def own(self) -> Document:
        """What its owner said, as it is now."""
        found = self.workspace.cluster.api.get(self.workspace.reference(self.name))
        return {"annotations": annotations(found), "predictor": found["spec"]["predictor"]}

    def restarts(self) -> dict[str, int]:
        """Of its pods' containers, by the pods' uids."""
        return {
            pod["metadata"]["uid"]: sum(
                container["restartCount"] for container in pod["status"]["containerStatuses"]
            )
            for pod in self.workspace.pods(self.name, leaving=False)
        }

    def template(self) -> Document:
        """Of its pods."""
        found: Document = self._deployed("spec")["template"]
        return found

    def scaler_minimum(self) -> int:
        """Of Kubernetes' own autoscaler."""
        return int(self._get(SCALER)["spec"]["minReplicas"])

    def is_noted(self) -> bool:
        """Whether something is left to give back, in all of the namespace."""
        reference = Reference(CONFIG_MAP, NOTES, self.workspace.namespace)
        try:
            self.workspace.cluster.api.get(reference)
        except NotInCluster:
            return False
        return True

    def _deployed(self, part: str) -> Document:
        found: Document = self._get(DEPLOYMENT)[part]
        return found

    def _get(self, kind: Kind) -> Document:
        reference = Reference(kind, f"{self.name}-predictor", self.workspace.namespace)
        return self.workspace.cluster.api.get(reference)


def with_minimum(own: Document, replicas: int) -> Document:
    """What an owner said, but for the minimum."""
    return {**own, "predictor": {**own["predictor"], "minReplicas": replicas}}


def test_a_floor_is_the_services_minimum_and_restarts_no_pod(workspace: Workspace) -> None:
    service = Standard(workspace, "scaled")
    service.deploy()
    own, template, first = service.own(), service.template(), service.restarts()
    service.hold_two()
    assert service.own() == with_minimum(own, 2)
    assert service.template() == template
    assert first.items() < service.restarts().items()
    service.warmed.release()
    until("the minimum is its owner's again", lambda: service.own() == own, MOVED_S)
    # It lets a replica go after five minutes, and only where something measures the pods.
    until("one is enough for the autoscaler", lambda: service.scaler_minimum() == 1, MOVED_S)
    until("nothing is left to give back", lambda: not service.is_noted(), MOVED_S)


def test_without_any_autoscaler_the_replicas_rise_and_fall_with_the_pool(
    workspace: Workspace,
) -> None:
    service = Standard(workspace, "fixed", {AUTOSCALER: NONE})
    service.deploy()
    own, template, first = service.own(), service.template(), service.restarts()
    service.hold_two()
    assert service.own() == with_minimum(own, 2)
    assert first.items() < service.restarts().items()
    service.warmed.release()
    workspace.wait_pods(service.name, 1, MOVED_S)
    assert (service.own(), service.template()) == (own, template)
    until("nothing is left to give back", lambda: not service.is_noted(), MOVED_S)
