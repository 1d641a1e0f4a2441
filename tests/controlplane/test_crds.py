"""Pilotlight's own kinds, admitted, completed and refused by a real API server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from pilotlight.api.rollout import InferenceRolloutSpec
from pilotlight.api.warmpool import WarmPoolSpec
from pilotlight.errors import ManifestError
from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Document, Kind, Reference, condition, reference_to
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, NAMESPACE, WARM_POOL
from pilotlight.kube.waiting import has_condition, wait
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.conftest import Kubectl

pytestmark = pytest.mark.controlplane

CRDS = sorted(Path("manifests/crds").glob("*.yaml"))
HOME = "crds"
TARGET = {"targetRef": {"name": "smollm2"}}
SPECS: dict[Kind, type[BaseModel]] = {
    INFERENCE_ROLLOUT: InferenceRolloutSpec,
    WARM_POOL: WarmPoolSpec,
}


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[ApiServer]:
    assert CRDS
    with connect(control_plane.kubeconfig) as opened:
        opened.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        for file in CRDS:
            crd = opened.apply(yaml.safe_load(file.read_text()), force=True)
            wait(opened, reference_to(crd), has_condition("Established"), timeout_s=20)
        yield opened
        opened.delete(Reference(NAMESPACE, HOME))


def resource(kind: Kind, spec: dict[str, Any], name: str = "one") -> Document:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"name": name, "namespace": HOME},
        "spec": spec,
    }


@pytest.mark.parametrize("file", CRDS, ids=[file.stem for file in CRDS])
def test_a_crd_is_established_and_structural(cluster: ApiServer, file: Path) -> None:
    stored = cluster.get(reference_to(yaml.safe_load(file.read_text())))
    assert condition(stored, "NonStructuralSchema") is None
    names = condition(stored, "NamesAccepted")
    assert names is not None
    assert names.is_true


@pytest.mark.parametrize("kind", list(SPECS), ids=str)
def test_the_api_server_fills_in_the_defaults_of_the_types(cluster: ApiServer, kind: Kind) -> None:
    stored = cluster.apply(resource(kind, TARGET), dry_run=True)["spec"]
    defaults = SPECS[kind].model_validate(TARGET)
    assert SPECS[kind].model_validate(stored) == defaults
    assert stored == defaults.model_dump(mode="json", by_alias=True, exclude_none=True)


GOOD: list[tuple[Kind, dict[str, Any]]] = [
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeights": [1, 20, 100]}}),
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeight": 10, "maxWeight": 50}}),
    (INFERENCE_ROLLOUT, {"mode": "DryRun", "analysis": {"interval": "1m30s"}}),
    (WARM_POOL, {"minReplicas": 2, "maxReplicas": 2}),
    (INFERENCE_ROLLOUT, {"analysis": {"interval": "999999h999999m"}}),
    (
        INFERENCE_ROLLOUT,
        {
            "analysis": {
                "metrics": [
                    {"name": "errors"},
                    {"name": "mine", "query": {"bad": "a", "total": "b"}},
                ]
            }
        },
    ),
    (WARM_POOL, {"prices": {"replicaHour": 2.5, "coldStart": 0.1}}),
    (
        WARM_POOL,
        {
            "pressure": {"queueDepth": 0, "gpuPercent": 95},
            "sleep": [{"level": 1, "replicaHour": 0.2, "wakeSeconds": 3.5}],
            "stabilizationWindowSeconds": 0,
        },
    ),
    (
        WARM_POOL,
        {
            "maxReplicas": 3,
            "schedules": [
                {
                    "timezone": "Europe/Berlin",
                    "start": "0 8 * * 1-5",
                    "end": "0 18 * * 1-5",
                    "desiredReplicas": 3,
                }
            ],
        },
    ),
]


@pytest.mark.parametrize(("kind", "spec"), GOOD)
def test_what_the_types_accept_the_api_server_accepts(
    cluster: ApiServer, kind: Kind, spec: dict[str, Any]
) -> None:
    stored = cluster.apply(resource(kind, TARGET | spec), dry_run=True)["spec"]
    assert SPECS[kind].model_validate(stored) == SPECS[kind].model_validate(TARGET | spec)


SCHEDULE = {"timezone": "UTC", "start": "0 8 * * *", "end": "0 9 * * *", "desiredReplicas": 2}
BAD: list[tuple[Kind, dict[str, Any], str]] = [
    (INFERENCE_ROLLOUT, {"targetRef": {"name": "Smol_LM"}}, r"spec\.targetRef\.name"),
    (INFERENCE_ROLLOUT, {"targetRef": {"name": "a", "kind": "Pod"}}, r"InferenceService"),
    (INFERENCE_ROLLOUT, {"mode": "Dry"}, r'spec\.mode: Unsupported value: "Dry"'),
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeights": [50, 10]}}, "rise from step to step"),
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeights": [10, 10]}}, "rise from step to step"),
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeights": []}}, r"spec\.analysis\.stepWeights"),
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeights": [101]}}, "less than or equal to 100"),
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeight": 10}}, "needs both"),
    (
        INFERENCE_ROLLOUT,
        {"analysis": {"stepWeights": [10], "stepWeight": 10, "maxWeight": 50}},
        "exclude each other",
    ),
    (INFERENCE_ROLLOUT, {"analysis": {"interval": "soon"}}, r"spec\.analysis\.interval"),
    (INFERENCE_ROLLOUT, {"analysis": {"onInconclusive": "wait"}}, "Unsupported value"),
    (INFERENCE_ROLLOUT, {"analysis": {"interval": "0s"}}, "interval must be longer than 0s"),
    (INFERENCE_ROLLOUT, {"analysis": {"interval": "9999999h"}}, r"spec\.analysis\.interval"),
    (INFERENCE_ROLLOUT, {"analysis": {"metrics": [{"name": "mine"}]}}, "needs a query"),
    (
        INFERENCE_ROLLOUT,
        {"analysis": {"metrics": [{"name": "errors"}, {"name": "errors"}]}},
        "(?i)duplicate",
    ),
    (INFERENCE_ROLLOUT, {"progressDeadlineSeconds": 0}, "greater than or equal to 1"),
    (INFERENCE_ROLLOUT, {"analysis": {"stepWeigth": 5}}, "stepWeigth"),
    (WARM_POOL, {"minReplicas": 3, "maxReplicas": 2}, "minReplicas is above maxReplicas"),
    (WARM_POOL, {"minReplicas": -1}, "greater than or equal to 0"),
    (WARM_POOL, {"maxReplicas": "two"}, "maxReplicas"),
    (WARM_POOL, {"schedules": [SCHEDULE]}, "more replicas than maxReplicas"),
    (WARM_POOL, {"maxReplicas": 2, "schedules": [SCHEDULE | {"start": "8 am"}]}, "start"),
    (WARM_POOL, {"maxReplicas": 2, "schedules": [SCHEDULE | {"start": "60 8 * * *"}]}, "start"),
    (WARM_POOL, {"maxReplicas": 2, "schedules": [SCHEDULE | {"end": "0 8 * * MOM"}]}, "end"),
    (WARM_POOL, {"maxReplicas": 2, "schedules": [SCHEDULE | {"end": "0 8 * * *"}]}, "never ends"),
    (WARM_POOL, {"pressure": {"kvCachePercent": 101}}, "less than or equal to 100"),
    (WARM_POOL, {"sleep": [{"level": 3, "replicaHour": 1, "wakeSeconds": 1}]}, "level"),
    (
        WARM_POOL,
        {"prices": {"replicaHour": 1, "coldStart": 1}, "target": {"maxColdPercent": 1}},
        "exclude each other",
    ),
    (WARM_POOL, {"prices": {"replicaHour": 1}}, "coldStart"),
    (WARM_POOL, {"failSafe": {"ttlSeconds": 5}}, "greater than or equal to 30"),
]


@pytest.mark.parametrize(("kind", "spec", "said"), BAD)
def test_what_the_types_refuse_the_api_server_refuses_and_says_why(
    cluster: ApiServer, kind: Kind, spec: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError):
        SPECS[kind].model_validate(TARGET | spec)
    with pytest.raises(ManifestError, match=said):
        cluster.apply(resource(kind, TARGET | spec), dry_run=True)


@pytest.mark.parametrize("kind", list(SPECS), ids=str)
def test_a_resource_keeps_its_target(cluster: ApiServer, kind: Kind) -> None:
    cluster.apply(resource(kind, TARGET, "keeps"))
    with pytest.raises(ManifestError, match="targetRef cannot change"):
        cluster.apply(resource(kind, {"targetRef": {"name": "another"}}, "keeps"))


@pytest.mark.parametrize("kind", list(SPECS), ids=str)
def test_a_status_is_written_through_its_subresource_alone(cluster: ApiServer, kind: Kind) -> None:
    cluster.apply(resource(kind, TARGET, "status"))
    where = Reference(kind, "status", HOME)
    status = {"status": {"observedGeneration": 1}}
    assert "status" not in cluster.patch(where, status)
    assert cluster.patch(where, status, subresource="status")["status"] == status["status"]
    assert cluster.get(where)["metadata"]["generation"] == 1


def test_people_see_them_under_their_short_names(cluster: ApiServer, kubectl: Kubectl) -> None:
    for kind, short in ((INFERENCE_ROLLOUT, "irollout"), (WARM_POOL, "wpool")):
        cluster.apply(resource(kind, TARGET, "seen"))
        assert "smollm2" in kubectl("get", short, "seen", "-n", HOME)


def test_the_fields_are_explained(cluster: ApiServer, kubectl: Kubectl) -> None:
    assert "InferenceService" in kubectl("explain", "warmpools.spec.targetRef")
