"""A namespace with an InferenceService, its rollout, its platform and its people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Reference, reference_to
from pilotlight.kube.kinds import EVENT, INFERENCE_ROLLOUT, NAMESPACE
from tests.controlplane.canary.controlling import Stage
from tests.controlplane.canary.platform import Platform
from tests.controlplane.canary.traffic import Manners, Traffic
from tests.controlplane.process import Controller, await_

QUICK = {"interval": "1s", "stepWeights": [20, 50], "budgets": {"missedRegression": 0.2}}
ANALYSIS = {"analysis": QUICK, "rollbackWindowSeconds": 2}


@dataclass(frozen=True)
class Staged:
    """Everything around one rollout."""

    stage: Stage
    platform: Platform
    traffic: Traffic
    folder: Path
    kubeconfig: Path

    def controller(self, name: str = "first", **settings: str) -> Controller:
        return Controller(self.kubeconfig, self.stage.namespace, self.folder, name, settings)

    @property
    def cluster(self) -> ApiServer:
        return self.stage.cluster

    def reasons(self) -> list[str]:
        """Of the rollout's Events."""
        return [event["reason"] for event in self.cluster.list(EVENT, self.stage.namespace)]


@contextmanager
def staged(
    cluster: ApiServer,
    kubeconfig: Path,
    folder: Path,
    namespace: str,
    bad: Manners | None,
    spec: dict[str, object],
) -> Iterator[Staged]:
    metadata = {"name": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    account = {"name": "default", "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    platform = Platform(cluster, namespace, replicas=1)
    platform.add_node()
    traffic = Traffic(lambda: platform.split, {"-00002": bad or Manners()})
    platform.address_of = traffic.address
    stage = Stage(cluster, namespace, "llm")
    with platform, traffic:
        stage.deploy()
        await_(lambda: bool(stage.predictor().get("latestRolledoutRevision")), 20)
        stage.enrol(**{**ANALYSIS, **spec})
        yield Staged(stage, platform, traffic, folder, kubeconfig)
    for left in cluster.list(INFERENCE_ROLLOUT, namespace):
        cluster.patch(reference_to(left), {"metadata": {"finalizers": None}})
    cluster.delete(Reference(NAMESPACE, namespace))


def recorded(scene: Staged) -> bool:
    """The controller has seen what is stable."""
    components = scene.stage.status().get("components") or {}
    return bool((components.get("predictor") or {}).get("stable"))
