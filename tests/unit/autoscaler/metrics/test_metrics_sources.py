"""Both sources over HTTP: replicas and Knative of this process, and a Prometheus that is faked."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight.errors import MetricsUnavailable, NotReached
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Document
from pilotlight.metrics.prometheus import Prometheus
from pilotlight_autoscaler.metrics.past import PrometheusPast
from pilotlight_autoscaler.metrics.queried import PrometheusSource
from pilotlight_autoscaler.metrics.scraped import ScrapingSource
from pilotlight_autoscaler.metrics.subject import Pod, Subject
from tests.unit.autoscaler.metrics import recorded

REVISION = "chat-predictor-00001"
AT = 1_000_000.0


class Answering:
    """A server: by path, what it answers to any request; 500 to all others."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.asked: list[dict[str, list[str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                self._answer(handler)

            def do_POST(handler) -> None:  # noqa: N805
                length = int(handler.headers["Content-Length"])
                self.asked.append(parse_qs(handler.rfile.read(length).decode()))
                self._answer(handler)

            def log_message(handler, format: str, *arguments: object) -> None:  # noqa: A002, N805
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = self.answers.get(handler.path, "").encode()
        handler.send_response(200 if body else 500)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Answering]:
    server = Answering()
    yield server
    server.close()


class KnativePods:
    """The part of a cluster that lists Knative's own pods: one."""

    def __init__(self) -> None:
        self.fails = False
        self.lists = 0

    def list(self, kind: object, namespace: str, *, labels: str = "") -> list[Document]:
        self.lists += 1
        if self.fails:
            raise NotReached("no answer")
        assert (namespace, labels) == ("knative-serving", "app in (activator,autoscaler)")
        return [
            {"metadata": {"name": "a"}, "status": {"phase": "Running", "podIP": "127.0.0.1"}},
            {"metadata": {"name": "b"}, "status": {"phase": "Pending"}},
        ]


def pod(server: Answering, path: str, *, ready: bool = True) -> Pod:
    name = f"{REVISION}-deployment-{path.strip('/')}"
    return Pod(name, REVISION, "127.0.0.1", ready, server.port, path)


def chat(*pods: Pod) -> Subject:
    return Subject("team", "chat", revisions=(REVISION,), pods=pods)


@pytest.fixture
def pods() -> KnativePods:
    return KnativePods()


@pytest.fixture
def source(server: Answering, pods: KnativePods) -> Iterator[ScrapingSource]:
    found = ScrapingSource(cast("Cluster", pods), 2.0, port=server.port, clock=SimulatedClock(AT))
    yield found
    found.close()


def test_replicas_and_knative_are_asked_at_their_addresses(
    source: ScrapingSource, server: Answering
) -> None:
    server.answers = {
        "/metrics": recorded.ACTIVATOR + recorded.AUTOSCALER,
        "/one": recorded.PREDICTOR,
        "/two": recorded.VLLM,
    }
    found = source.read([chat(pod(server, "/one"), pod(server, "/two")), Subject("team", "idle")])
    signals = found["chat"].signals
    assert signals.concurrency is not None
    assert signals.concurrency.value == 14
    assert signals.queue_depth is not None
    assert signals.queue_depth.value == 3.5
    assert list(found["chat"].requests.values()) == [42, 15]
    assert (found["chat"].waiting, found["chat"].silence, found["chat"].at) == (3, "", AT)
    idle = found["idle"].signals.concurrency
    assert idle is not None
    assert idle.value == 0


def test_what_knative_tells_serves_the_looks_of_a_few_seconds(
    source: ScrapingSource, server: Answering, pods: KnativePods
) -> None:
    server.answers = {"/metrics": recorded.ACTIVATOR}
    for _ in range(3):
        source.read([chat()])
    assert pods.lists == 1


def test_a_server_that_fails_is_silent_and_named(source: ScrapingSource, server: Answering) -> None:
    server.answers = {"/metrics": recorded.ACTIVATOR}
    found = source.read([chat(pod(server, "/broken"))])["chat"]
    assert found.signals.concurrency is None
    assert found.silence == f"1 of 1 replicas tell nothing, as {REVISION}-deployment-broken"


def test_what_is_not_prometheus_format_is_silence(
    source: ScrapingSource, server: Answering
) -> None:
    server.answers = {"/metrics": recorded.ACTIVATOR, "/odd": 'vllm:num_requests_running{x="'}
    assert source.read([chat(pod(server, "/odd"))])["chat"].signals.concurrency is None


def test_a_replica_that_starts_need_not_tell(source: ScrapingSource, server: Answering) -> None:
    server.answers = {"/metrics": recorded.ACTIVATOR}
    found = source.read([chat(pod(server, "/not-yet", ready=False))])["chat"]
    assert found.silence == ""


def test_knative_that_does_not_tell_is_said(source: ScrapingSource, server: Answering) -> None:
    found = source.read([chat()])["chat"]
    assert found.silence.startswith("Knative does not tell its figures at http://127.0.0.1")


def test_an_api_server_that_does_not_answer_is_said(
    source: ScrapingSource, pods: KnativePods
) -> None:
    pods.fails = True
    assert source.read([chat()])["chat"].silence.startswith("Knative's pods cannot be listed")


def matrix(*series: tuple[dict[str, str], list[tuple[float, float]]]) -> str:
    result = [
        {"metric": labels, "values": [[at, str(value)] for at, value in points]}
        for labels, points in series
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


@pytest.fixture
def prometheus(server: Answering) -> Iterator[Prometheus]:
    with Prometheus(f"http://127.0.0.1:{server.port}", 2.0) as client:
        yield client


def series(name: str, value: float, age_s: float, **labels: str) -> Any:
    points = [(AT - age_s - 15, 0.0), (AT - age_s, value)]
    return {"__name__": name, "namespace": "team", **labels}, points


def test_prometheus_is_asked_for_samples_as_they_were_scraped(
    prometheus: Prometheus, server: Answering
) -> None:
    one = f"{REVISION}-deployment-one"
    server.answers["/api/v1/query"] = matrix(
        series("pilotlight_predictor_in_flight_requests", 5, 12, pod=one),
        series("pilotlight_predictor_request_arrivals_total", 40, 12, pod=one, prompt_tokens="256"),
        series("pilotlight_predictor_request_arrivals_total", 2, 12, pod=one, prompt_tokens="1024"),
        series("pilotlight_predictor_in_flight_requests", 99, 3, pod="somebody-elses"),
    )
    own = PrometheusSource(prometheus, SimulatedClock(AT))
    found = own.read([chat(Pod(one, REVISION, ready=True))])["chat"]
    assert found.signals.concurrency is not None
    assert (found.signals.concurrency.value, found.signals.concurrency.age_s) == (5, 12)
    assert found.requests == {one: 42}
    [of_pods, of_revisions] = [form["query"][0] for form in server.asked]
    assert of_pods.endswith("[90s]")
    assert 'k8s_namespace_name="team"' in of_revisions


def test_of_two_jobs_that_scrape_one_replica_the_newer_counts(
    prometheus: Prometheus, server: Answering
) -> None:
    name = "pilotlight_predictor_in_flight_requests"
    server.answers["/api/v1/query"] = matrix(
        series(name, 5, 12, pod="one", job="a"), series(name, 7, 2, pod="one", job="b")
    )
    own = PrometheusSource(prometheus, SimulatedClock(AT))
    found = own.read([Subject("team", "chat", pods=(Pod("one", ready=True),))])["chat"]
    assert found.signals.concurrency is not None
    assert found.signals.concurrency.value == 7


def test_a_prometheus_that_fails_leaves_ready_replicas_unknown_and_says_why(
    prometheus: Prometheus,
) -> None:
    own = PrometheusSource(prometheus, SimulatedClock(AT))
    found = own.read([chat(Pod("one", REVISION, ready=True))])["chat"]
    assert found.signals.concurrency is None
    assert "answered 500" in found.silence


def test_weeks_of_minutes_are_asked_for_in_parts_prometheus_answers(
    prometheus: Prometheus, server: Answering
) -> None:
    server.answers["/api/v1/query_range"] = matrix()
    found = PrometheusPast(prometheus).demand(chat(), AT, AT + 14 * 86400)
    assert len(found.arrivals) == 20_159
    assert not found.known.any()
    for form in server.asked:
        steps = (float(form["end"][0]) - float(form["start"][0])) / float(form["step"][0])
        assert steps <= 11_000


def test_an_answer_of_several_series_is_refused(prometheus: Prometheus, server: Answering) -> None:
    server.answers["/api/v1/query_range"] = matrix(({"a": "1"}, [(AT, 1)]), ({"a": "2"}, [(AT, 1)]))
    with pytest.raises(MetricsUnavailable, match="gives 2 series"):
        PrometheusPast(prometheus).demand(chat(), AT, AT + 600)


def test_a_look_takes_no_longer_than_its_deadline(pods: KnativePods) -> None:
    slow = ScrapingSource(cast("Cluster", pods), 0.2, port=9)
    began = time.monotonic()
    # An address of TEST-NET-1 (RFC 5737), where nobody answers.
    found = slow.read([Subject("t", "s", pods=(Pod("p", address="192.0.2.1", ready=True),))])
    assert found["s"].signals.concurrency is None
    assert time.monotonic() - began < 3
    slow.close()
