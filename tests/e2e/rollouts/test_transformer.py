"""The transformer on the cluster: from zero with its predictor, and rollouts of either of them.

The rollouts build on the ones before them: at the end stands a version that nobody may reach.
"""

import itertools
import time
from typing import Any

import pytest

from pilotlight.api.rollout_status import Component, Phase
from pilotlight.kube.document import Document
from tests.e2e.gateway import Endpoint
from tests.e2e.rollouts.watched import OVER, Watched
from tests.e2e.standin.service import FULL_DUPLEX, MODEL, StandInService, code
from tests.e2e.streams import stream
from tests.e2e.traffic import Load, Traffic, lost, versions
from tests.e2e.waiting import until
from tests.e2e.workspace import QUICK_TO_ZERO, READY_S, Workspace

IMAGE = "dev.local/pilotlight-transformer:dev"
FOLDER = "/etc/pilotlight"
PIPELINES = {
    "good.yaml": "pipeline: [validate]",
    "better.yaml": "pipeline: [audit, validate]",
    # It starts and is ready, and has nobody to ask.
    "nowhere.yaml": (
        "pipeline: [{route: {own_model: false, models: "
        f"{{{MODEL}: {{url: 'http://nobody.default'}}}}}}}}]"
    ),
    # It never starts.
    "broken.yaml": "pipeline: [{ratelimit: {rate: none}}]",
}
ZERO_S = 120.0
OVER_S = 300.0
WATCHED_S = 60.0
TOKENS, TOKEN_S = 20, 0.2
ERRORS = [{"name": "errors", "maxRatio": 1.5, "tolerance": 0.01}]


def pipelines() -> Document:
    """The ConfigMap with all of them."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "pipelines"},
        "data": PIPELINES,
    }


def transformer(pipeline: str, min_replicas: int, **annotations: str) -> dict[str, Any]:
    """``spec.transformer`` with one of the pipelines."""
    return {
        "minReplicas": min_replicas,
        "maxReplicas": 2,
        "timeout": 60,
        "annotations": {FULL_DUPLEX: "Enabled", **annotations},
        "containers": [
            {
                "name": "kserve-container",
                "image": IMAGE,
                "args": [f"--pipeline={FOLDER}/{pipeline}", "--grace-period-s=50"],
                "ports": [{"name": "http1", "containerPort": 8080, "protocol": "TCP"}],
                "readinessProbe": {
                    "httpGet": {"path": "/v2/health/ready", "port": 8080},
                    "periodSeconds": 1,
                },
                "resources": {
                    "requests": {"cpu": "50m", "memory": "128Mi"},
                    "limits": {"cpu": "1", "memory": "512Mi"},
                },
                "volumeMounts": [{"name": "pipelines", "mountPath": FOLDER}],
            }
        ],
        "volumes": [{"name": "pipelines", "configMap": {"name": "pipelines"}}],
    }


def service(name: str, version: str, pipeline: str) -> Document:
    """A stand-in behind a transformer; both stay awake."""
    standin = StandInService(name, {"version": version}, min_replicas=1, max_replicas=2)
    document = standin.inference_service()
    document["spec"]["transformer"] = transformer(pipeline, 1)
    return document


async def test_both_wake_from_zero_and_a_stream_comes_through_piece_by_piece(
    workspace: Workspace,
) -> None:
    name = "sleepers"
    behaviour = {"token_s": TOKEN_S}
    sleeping = StandInService(name, behaviour, annotations=QUICK_TO_ZERO).inference_service()
    sleeping["spec"]["transformer"] = transformer("good.yaml", 0, **QUICK_TO_ZERO)
    workspace.apply([code(), pipelines(), sleeping])
    endpoint = workspace.endpoint(name, MODEL, READY_S)
    until("no pod of either", lambda: not workspace.pods(name), ZERO_S)
    async with endpoint.async_http() as client:
        answer = await stream(client, endpoint, "who is awake?", TOKENS)
    assert answer.whole, str(answer)
    assert len(answer.pieces) == TOKENS
    gaps = [after - before for before, after in itertools.pairwise(answer.times)]
    assert sum(gap > TOKEN_S / 2 for gap in gaps) > 0.8 * len(gaps), gaps
    components = {pod["metadata"]["labels"]["component"] for pod in workspace.pods(name)}
    assert components == {"predictor", "transformer"}
    workspace.cluster.api.delete(workspace.reference(name))


NAME = "guarded"


@pytest.fixture(scope="module")
def watched(workspace: Workspace, controllers: None) -> Watched:
    """A predictor behind a transformer, every change of which is judged."""
    return Watched(workspace, NAME)


@pytest.fixture(scope="module")
def endpoint(workspace: Workspace, watched: Watched) -> Endpoint:
    """Where people ask; KServe calls it not ready while its newest version is broken."""
    workspace.apply([code(), pipelines(), service(NAME, "1", "good.yaml")])
    return workspace.endpoint(NAME, MODEL, READY_S)


def test_a_predictor_behind_it_is_promoted_and_no_request_is_lost(
    workspace: Workspace, watched: Watched, endpoint: Endpoint
) -> None:
    watched.enrol()
    with Traffic(endpoint, Load(rate=25)) as traffic:
        workspace.apply([service(NAME, "2", "good.yaml")])
        watched.wait(Phase.WATCHING, OVER_S)
        over = watched.wait(OVER, WATCHED_S)
    assert over.phase is Phase.SUCCEEDED, over.reason
    assert over.history[-1].component is Component.PREDICTOR
    assert not lost(traffic.exchanges), [str(each) for each in lost(traffic.exchanges)][:5]
    seen = versions(traffic.exchanges)
    assert seen["1"], seen
    newest = sorted(traffic.exchanges, key=lambda each: each.sent)[-20:]
    assert versions(newest) == {"2": 20}


def test_a_transformer_is_promoted_and_no_request_is_lost(
    workspace: Workspace, watched: Watched, endpoint: Endpoint
) -> None:
    watched.enrol(analysis={"metrics": ERRORS}, rollbackWindowSeconds=0)
    with Traffic(endpoint, Load(rate=25)) as traffic:
        workspace.apply([service(NAME, "2", "better.yaml")])
        over = watched.rolled_out(OVER_S)
    assert over.phase is Phase.SUCCEEDED, over.reason
    assert over.history[-1].component is Component.TRANSFORMER
    assert not lost(traffic.exchanges), [str(each) for each in lost(traffic.exchanges)][:5]


def test_a_transformer_that_asks_nobody_is_taken_back(
    workspace: Workspace, watched: Watched, endpoint: Endpoint
) -> None:
    watched.enrol(analysis={"metrics": ERRORS})
    with Traffic(endpoint, Load(rate=25)) as traffic:
        workspace.apply([service(NAME, "2", "nowhere.yaml")])
        over = watched.rolled_out(OVER_S)
        # Until each of the gateway's proxies has heard of it.
        time.sleep(2)
    assert over.phase is Phase.ROLLED_BACK, over.reason
    assert over.history[-1].component is Component.TRANSFORMER
    failed = lost(traffic.exchanges)
    assert failed, "nobody met it: nothing was judged"
    assert all(each.status in {502, 503} for each in failed), [str(each) for each in failed][:5]
    newest = sorted(traffic.exchanges, key=lambda each: each.sent)[-20:]
    assert not lost(newest)


def test_a_transformer_that_cannot_start_reaches_nobody(
    workspace: Workspace, watched: Watched, endpoint: Endpoint
) -> None:
    watched.enrol(analysis={"metrics": ERRORS}, progressDeadlineSeconds=60)
    with Traffic(endpoint, Load(rate=25)) as traffic:
        workspace.apply([service(NAME, "2", "broken.yaml")])
        over = watched.rolled_out(OVER_S)
    assert over.phase is Phase.ROLLED_BACK, over.reason
    assert over.history[-1].component is Component.TRANSFORMER
    assert not lost(traffic.exchanges), [str(each) for each in lost(traffic.exchanges)][:5]
