"""Prometheus sees Knative, KServe and the served pods; Redis answers."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.gateway import Endpoint
from tests.e2e.standin.service import StandInService
from tests.e2e.waiting import until
from tests.e2e.workspace import Workspace

SCRAPED_S = 60.0


@pytest.fixture(scope="module")
def served(workspace: Workspace) -> Endpoint:
    """A pod that has answered."""
    endpoint = workspace.deploy(StandInService("seen", min_replicas=1))
    assert endpoint.complete("see me").status_code == 200
    return endpoint


def query(workspace: Workspace, expression: str) -> list[dict[str, object]]:
    """Prometheus' answer, one entry per series."""
    url = f"{workspace.cluster.status['prometheus']}/api/v1/query"
    answer = httpx.get(url, params={"query": expression}, timeout=10).raise_for_status().json()
    found: list[dict[str, object]] = answer["data"]["result"]
    return found


@pytest.mark.parametrize(
    "expression",
    [
        'kn_revision_pods_count{{k8s_namespace_name="{namespace}"}} == 1',
        'kn_revision_concurrency_stable{{k8s_namespace_name="{namespace}"}}',
        'controller_runtime_reconcile_total{{controller="inferenceservice"}} > 0',
        'pilotlight_predictor_state{{namespace="{namespace}", state="ready"}} == 1',
        'pilotlight_predictor_output_tokens_total{{namespace="{namespace}"}} > 0',
        'kn_serving_invocation_duration_seconds_count{{namespace="{namespace}"}} > 0',
    ],
    ids=["pods", "concurrency", "kserve", "state", "tokens", "queue-proxy"],
)
def test_prometheus_sees(workspace: Workspace, served: Endpoint, expression: str) -> None:
    wanted = expression.format(namespace=workspace.namespace)
    until(wanted, lambda: query(workspace, wanted), SCRAPED_S, interval_s=1)


def test_redis_answers(workspace: Workspace) -> None:
    address = urlsplit(workspace.cluster.status["redis"])
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(16) == b"+PONG\r\n"
