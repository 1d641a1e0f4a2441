"""Faults that a real API server cannot be made to have, from a server that has only them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from pilotlight.errors import ClusterError, ManifestError, NotInCluster, NotReached
from pilotlight.kube.access import ApiServer, connect

Fault = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def faulty(folder: Path, fault: Fault, timeout_s: float = 5) -> Iterator[ApiServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fault(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    kubeconfig = folder / "kubeconfig"
    url = f"http://127.0.0.1:{server.server_address[1]}"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    try:
        with connect(kubeconfig, timeout_s=timeout_s) as opened:
            yield opened
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answering(status: int, body: str, length: int | None = None) -> Fault:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(length or len(body)))
        request.end_headers()
        request.wfile.write(body.encode())

    return answer


def test_a_server_that_never_answers_ends_at_the_deadline(tmp_path: Path) -> None:
    over = threading.Event()

    def silent(_: BaseHTTPRequestHandler) -> None:
        over.wait(20)

    with faulty(tmp_path, silent, timeout_s=0.5) as cluster:
        begin = time.monotonic()
        with pytest.raises(NotReached, match="timed out"):
            cluster.version()
        took = time.monotonic() - begin
        over.set()
    assert 0.4 < took < 2


def test_an_answer_that_stops_in_the_middle_is_no_answer(tmp_path: Path) -> None:
    with (
        faulty(tmp_path, answering(200, '{"gitVersion": "v1', length=100)) as cluster,
        pytest.raises(NotReached, match="get the version"),
    ):
        cluster.version()


def test_a_login_page_is_not_taken_for_kubernetes(tmp_path: Path) -> None:
    with (
        faulty(tmp_path, answering(200, "<html>log in</html>")) as cluster,
        pytest.raises(ClusterError, match="does not answer like Kubernetes"),
    ):
        cluster.version()


def test_a_404_of_a_proxy_is_not_taken_for_a_missing_object(tmp_path: Path) -> None:
    with (
        faulty(tmp_path, answering(404, "<html>not found</html>")) as cluster,
        pytest.raises(ClusterError) as caught,
    ):
        cluster.version()
    assert not isinstance(caught.value, NotInCluster)


@pytest.mark.parametrize(
    ("status", "message", "kind", "said"),
    [
        (
            500,
            'Internal error occurred: failed calling webhook "w": connection refused',
            ClusterError,
            "pilotlight cluster check",
        ),
        (
            403,
            'admission webhook "w" denied the request: minReplicas is above maxReplicas',
            ManifestError,
            "minReplicas is above maxReplicas",
        ),
        (429, "too many requests", ClusterError, "HTTP 429"),
        (503, "", ClusterError, "HTTP 503"),
    ],
)
def test_a_refusal_says_what_to_do(
    tmp_path: Path, status: int, message: str, kind: type[Exception], said: str
) -> None:
    body = json.dumps({"kind": "Status", "message": message})
    with (
        faulty(tmp_path, answering(status, body)) as cluster,
        pytest.raises(kind, match=said),
    ):
        cluster.version()
