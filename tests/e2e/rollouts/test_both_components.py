"""Predictor and transformer changed in one write: one after the other, each held at first."""

import copy
import time

import pytest

from pilotlight.api.rollout_status import Component, Phase
from pilotlight.kube.document import Document
from tests.e2e.rollouts.watched import Watched
from tests.e2e.standin.service import MODEL, StandInService, code
from tests.e2e.traffic import Load, Traffic, lost, versions
from tests.e2e.workspace import READY_S, Workspace

NAME = "both"
OVER_S = 240.0


def service(version: str) -> Document:
    """Stand-ins as both: the transformer answers by itself, so that nobody asks the predictor."""
    behaviour = {"version": version}
    document = StandInService(NAME, behaviour, min_replicas=1, max_replicas=2).inference_service()
    document["spec"]["transformer"] = copy.deepcopy(document["spec"]["predictor"])
    return document


@pytest.fixture(scope="module")
def watched(workspace: Workspace, controllers: None) -> Watched:
    return Watched(workspace, NAME)


def test_the_predictor_goes_first_and_then_the_transformer(
    workspace: Workspace, watched: Watched
) -> None:
    workspace.apply([code(), service("1")])
    endpoint = workspace.endpoint(NAME, MODEL, READY_S)
    analysis = {
        "stepWeights": [50],
        # Nobody asks the predictor: after this time the spec decides, and says so.
        "maxDuration": "40s",
        "onInconclusive": "promote",
        "metrics": [{"name": "errors", "tolerance": 0.02}],
    }
    watched.enrol(analysis=analysis, rollbackWindowSeconds=0)
    with Traffic(endpoint, Load(rate=25)) as traffic:
        workspace.apply([service("2")])
        first = watched.wait(Phase.PROGRESSING, OVER_S)
        assert first.component is Component.PREDICTOR
        deadline = time.monotonic() + OVER_S
        while len(watched.status().history) < 2:
            assert time.monotonic() < deadline, watched.status().reason
            time.sleep(1)
        time.sleep(2)
    over = watched.status()
    assert [each.component for each in over.history] == [Component.PREDICTOR, Component.TRANSFORMER]
    assert all(each.outcome is Phase.SUCCEEDED for each in over.history), over.history
    assert not lost(traffic.exchanges), [str(each) for each in lost(traffic.exchanges)][:5]
    newest = sorted(traffic.exchanges, key=lambda each: each.sent)[-20:]
    assert versions(newest) == {"2": 20}
