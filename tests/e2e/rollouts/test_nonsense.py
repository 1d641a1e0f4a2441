"""A model that answers nonsense, on the real engine: nobody gets to see it."""

import copy
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from pilotlight.api.rollout_status import Phase
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP, INFERENCE_ROLLOUT
from pilotlight.settings import CacheSettings
from tests.e2e.local_cluster import LocalCluster
from tests.e2e.nonsense_model import write_nonsense_model
from tests.e2e.real_engine import ANSWER, EXAMPLE, MODEL, PROMPT, documents
from tests.e2e.rollouts.watched import Watched
from tests.e2e.workspace import ENGINE_READY_S, Workspace

NONSENSE = "nonsense"
TAKEN_BACK_S = 400.0
QUESTIONS = (PROMPT, "Two plus two is", "The opposite of hot is", "Water freezes at")


@pytest.fixture(scope="module")
def workspace(cluster: LocalCluster) -> Iterator[Workspace]:
    """Where the models' volume is."""
    workspace = Workspace(cluster, "default")
    yield workspace
    cluster.api.delete(Reference(INFERENCE_ROLLOUT, MODEL, workspace.namespace))
    cluster.api.delete(workspace.reference(MODEL))


@pytest.fixture(scope="module")
def nonsense() -> Iterator[str]:
    """The example's model with its weights shuffled, beside it in its volume; the name there."""
    volume = CacheSettings().directory / "volumes" / "pilotlight-models"
    folder = volume / NONSENSE
    write_nonsense_model(next(volume.glob("smollm2-*")), folder)
    yield NONSENSE
    shutil.rmtree(folder)


def test_a_model_that_answers_nonsense_is_taken_back_at_the_gate(
    workspace: Workspace, controllers: None, nonsense: str
) -> None:
    stable = awake()
    workspace.apply(stable)
    endpoint = workspace.endpoint(MODEL, MODEL, ENGINE_READY_S)
    watched = Watched(workspace, MODEL)
    watched.enrol(**watched.golden_prompts(QUESTIONS))
    workspace.apply(with_model(stable, nonsense))
    over = watched.rolled_out(TAKEN_BACK_S)
    assert over.phase is Phase.ROLLED_BACK, over.reason
    assert "differ" in over.reason
    kind, name = over.report.split("/")
    assert kind == "configmap"
    report = workspace.cluster.api.get(Reference(CONFIG_MAP, name, workspace.namespace))
    assert PROMPT in report["data"]["report.json"]
    assert all(not point.weight for point in watched.timeline().points)
    assert ANSWER in endpoint.complete(PROMPT).json()["choices"][0]["text"]


def awake() -> list[dict[str, Any]]:
    """The example, awake."""
    found = documents(EXAMPLE)
    found[0]["spec"]["predictor"]["minReplicas"] = 1
    return found


def with_model(manifests: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The same with another model of the volume."""
    changed = copy.deepcopy(manifests)
    for container in changed[0]["spec"]["predictor"]["containers"]:
        for variable in container["env"]:
            if variable["name"] == "STORAGE_URI":
                variable["value"] = f"pvc://pilotlight-models/{name}"
    return changed
