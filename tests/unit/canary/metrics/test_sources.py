"""Both sources, over HTTP: pods and gateway of this process, and a real Prometheus."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout_status import Yardsticks
from pilotlight.errors import MetricsUnavailable
from pilotlight.kube.cluster import Cluster
from pilotlight.metrics.exposition import fetch
from pilotlight.metrics.prometheus import Prometheus
from pilotlight.request_metrics import RequestMetrics
from pilotlight_canary.metrics.interval import interval
from pilotlight_canary.metrics.queried import PrometheusSource
from pilotlight_canary.metrics.scraped import Gateway, ScrapingSource
from pilotlight_canary.metrics.snapshot import Look
from pilotlight_canary.metrics.source import MetricsSource, Target
from pilotlight_canary.observation import Counts, Interval, Silence
from tests.unit.canary.metrics.exposed import Exposed
from tests.unit.canary.metrics.looks import CANARY, STABLE
from tests.unit.prometheus_server import prometheus_server, until
from tests.unit.transformer.redis_server import free_port

NAMESPACE = "here"
OWN = {
    "bad": 'pilotlight_predictor_requests_finished_total{revision="{revision}",reason="length"}',
    "total": 'pilotlight_predictor_requests_finished_total{revision="{revision}"}',
}
ANALYSIS = Analysis.model_validate(
    {"metrics": [{"name": "errors"}, {"name": "ttft", "limitSeconds": 3}, {"name": "cache"}]}
)
WITH_QUERY = Analysis.model_validate({"metrics": [{"name": "mine", "query": OWN}]})


class World:
    """One pod of each revision, and a gateway."""

    def __init__(self) -> None:
        self.envoy: dict[str, float] = {}
        self.servers = {r: RequestMetrics("pilotlight_predictor", r, time.monotonic) for r in ARMS}
        self.pods = {r: Exposed(lambda r=r: self._of(r)) for r in ARMS}  # type: ignore[misc]
        self.gateway = Exposed(self._stats)

    def _of(self, revision: str) -> bytes:
        registry = CollectorRegistry()
        registry.register(self.servers[revision])
        return generate_latest(registry)

    def _stats(self) -> bytes:
        return "".join(f"{name} {value}\n" for name, value in self.envoy.items()).encode()

    def count(self, revision: str, ok: int, failed: int, cut: int = 0) -> None:
        """Requests as the gateway and the pod see them."""
        for family, labels, number in (
            ("upstream_rq_total", "", ok + failed),
            ("upstream_rq", 'envoy_response_code="200",', ok),
            ("upstream_rq", 'envoy_response_code="500",', failed),
            ("upstream_cx_destroy_remote_with_active_rq", "", cut),
        ):
            cluster = f'envoy_cluster_name="{NAMESPACE}/{revision}"'
            name = f"envoy_cluster_{family}{{{labels}{cluster}}}"
            self.envoy[name] = self.envoy.get(name, 0) + number
        for index in range(ok + failed):
            followed = self.servers[revision].arrive(10, time.monotonic())
            if index < ok:
                followed.cache(hit=True)
                followed.first_token(time.monotonic())
                followed.end("length", 5, time.monotonic())
            else:
                followed.end("error", 0)

    def close(self) -> None:
        for server in (*self.pods.values(), self.gateway):
            server.close()


ARMS = (CANARY, STABLE)


class Pods:
    """The part of a cluster that lists pods."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.has_gateway = True

    def list(self, kind: object, namespace: str, *, labels: str = "") -> list[dict[str, Any]]:
        if namespace != NAMESPACE:
            return [_pod("gw", {}, 0)] if self.has_gateway else []
        return [
            _pod(f"pod-{r}", {"serving.knative.dev/revision": r}, self._world.pods[r].port)
            for r in ARMS
        ]


def _pod(name: str, labels: dict[str, str], port: int) -> dict[str, Any]:
    ports = [{"name": "user-port", "containerPort": port}]
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"ports": ports}]},
        "status": {"phase": "Running", "podIP": "127.0.0.1"},
    }


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    for revision in ARMS:
        world.count(revision, 1, 0)
    yield world
    world.close()


@pytest.fixture
def pods(world: World) -> Pods:
    return Pods(world)


@pytest.fixture
def scraping(world: World, pods: Pods) -> Iterator[ScrapingSource]:
    gateway = Gateway(namespace="kourier-system", port=world.gateway.port)
    source = ScrapingSource(cast("Cluster", pods), 2.0, gateway)
    yield source
    source.close()


@pytest.fixture
def prometheus(world: World, tmp_path: Path) -> Iterator[str]:
    """A real Prometheus that scrapes the world every half second."""
    static = [
        {
            "targets": [f"127.0.0.1:{world.pods[r].port}"],
            "labels": {"namespace": NAMESPACE, "revision": r, "pod": f"pod-{r}"},
        }
        for r in ARMS
    ]
    gateway = {"targets": [f"127.0.0.1:{world.gateway.port}"], "labels": {"pod": "gw"}}
    settings = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "400ms"},
        "scrape_configs": [
            {"job_name": "model", "static_configs": static},
            {"job_name": "gateway", "static_configs": [gateway]},
        ],
    }
    with prometheus_server(tmp_path, settings) as url:
        yield url


def target(analysis: Analysis = ANALYSIS) -> Target:
    return Target(NAMESPACE, STABLE, CANARY, analysis=analysis)


def check(source: MetricsSource, world: World, settle_s: float) -> None:
    """The counts of one interval are those that were made in it."""
    before = source.read(target())
    world.count(CANARY, 4, 2, cut=1)
    world.count(STABLE, 9, 0)
    time.sleep(settle_s)
    found = interval(before, source.read(target()), ANALYSIS, Yardsticks())
    assert isinstance(found, Interval), found
    assert found.counts == {
        ("errors", ""): Counts(3, 6, 0, 9),
        ("ttft", ""): Counts(2, 6, 0, 9),
        ("cache", ""): Counts(0, 4, 0, 9),
    }
    assert found.arrivals == {"": (6, 9)}
    assert found.canary_error_ratio == 0.5


def test_scraping_counts_what_was_counted(scraping: ScrapingSource, world: World) -> None:
    check(scraping, world, 0.7)


def test_prometheus_counts_the_same(prometheus: str, world: World) -> None:
    with Prometheus(prometheus) as client:
        source = PrometheusSource(client)
        until(lambda: _hears(source))
        check(source, world, 1.6)


def _hears(source: PrometheusSource) -> bool:
    looks = source.read(target())
    return all(
        isinstance(look, Look) and len(look.readings) == 2 for look in (looks.pods, looks.gateway)
    )


def test_prometheus_answers_queries_of_ones_own(prometheus: str, world: World) -> None:
    with Prometheus(prometheus) as client:
        source = PrometheusSource(client)
        until(lambda: _hears(source))
        before = source.read(target(WITH_QUERY))
        world.count(CANARY, 3, 1)
        world.count(STABLE, 5, 0)
        time.sleep(1.6)
        found = interval(before, source.read(target(WITH_QUERY)), WITH_QUERY, Yardsticks())
        assert isinstance(found, Interval), found
        assert found.counts == {("mine", ""): Counts(3, 4, 5, 5)}


def test_a_pod_that_prometheus_cannot_scrape_is_silent(prometheus: str, world: World) -> None:
    with Prometheus(prometheus) as client:
        source = PrometheusSource(client)
        until(lambda: _hears(source))
        before = source.read(target())
        world.pods[CANARY].broken = True
        time.sleep(1.6)
        found = interval(before, source.read(target()), ANALYSIS, Yardsticks())
        assert isinstance(found, Interval), found
        assert set(found.counts) == {("errors", "")}
        assert f"pod-{CANARY} does not tell" in found.notes[0]


def test_stables_past_can_be_asked_for(prometheus: str, world: World) -> None:
    with Prometheus(prometheus) as client:
        found = PrometheusSource(client).yardsticks(target())
        assert "last 60 min" in found.note
        assert found.first_token_seconds is None


def test_a_pod_that_fails_is_silent(scraping: ScrapingSource, world: World) -> None:
    before = scraping.read(target())
    world.pods[CANARY].broken = True
    time.sleep(0.7)
    found = interval(before, scraping.read(target()), ANALYSIS, Yardsticks())
    assert isinstance(found, Interval), found
    assert set(found.counts) == {("errors", "")}


def test_a_gateway_that_fails_is_silent_and_not_absent(
    scraping: ScrapingSource, world: World
) -> None:
    world.gateway.broken = True
    assert isinstance(scraping.read(target()).gateway, Silence)


def test_no_gateway_is_none(scraping: ScrapingSource, pods: Pods) -> None:
    pods.has_gateway = False
    assert scraping.read(target()).gateway is None


def test_what_was_seen_of_stable_is_its_past(scraping: ScrapingSource, world: World) -> None:
    for _ in range(3):
        world.count(STABLE, 60, 0)
        scraping.read(target())
    found = scraping.yardsticks(target())
    assert (found.first_token_seconds, found.dispersion) == (0.2, {})
    assert "3 looks" in found.note


def test_nobody_there_is_a_silence_that_says_so() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Prometheus(url, 1.0) as client:
        snapshot = PrometheusSource(client).read(target())
        assert isinstance(snapshot.pods, Silence)
        assert url in snapshot.pods.reason
        assert "nothing could be learned" in PrometheusSource(client).yardsticks(target()).note


def test_a_wrong_query_says_what_is_wrong(prometheus: str) -> None:
    with Prometheus(prometheus) as client, pytest.raises(MetricsUnavailable, match="parse error"):
        client.at("sum(", time.time())


def test_an_answer_that_trickles_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_trickle, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        began = time.monotonic()
        with httpx.Client() as client, pytest.raises(MetricsUnavailable, match="within"):
            fetch(client, url, 0.5)
        assert time.monotonic() - began < 2


def _trickle(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.1)
