"""A Prometheus that tells the same of every service: what a look asks for, and no past."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from pilotlight_autoscaler.metrics import families as f

OF_KNATIVE = re.compile(f'{f.NAMESPACE_LABEL}="([^"]+)"')
OF_PODS = re.compile('namespace="([^"]+)"')
PREFIX = "pilotlight_predictor_"


class Played:
    """What it tells.

    Args:
        revisions: By namespace, those that Knative tells of; each has no requests.
        pods: By namespace, replicas that tell of themselves.
    """

    def __init__(self, revisions: dict[str, list[str]], pods: dict[str, list[str]]) -> None:
        self._revisions = revisions
        self._pods = pods
        self.asked = 0

    def answer(self, query: str) -> list[dict[str, Any]]:
        """The result of one query."""
        self.asked += 1
        if found := OF_KNATIVE.search(query):
            return self._of_knative(found[1])
        if query.startswith("{") and (found := OF_PODS.search(query)):
            return self._of_pods(found[1])
        return []

    def _of_knative(self, namespace: str) -> list[dict[str, Any]]:
        return [
            _series(name, {f.NAMESPACE_LABEL: namespace, f.REVISION_LABEL: revision}, 0.0)
            for revision in self._revisions.get(namespace, ())
            for name in sorted(f.KNATIVE)
        ]

    def _of_pods(self, namespace: str) -> list[dict[str, Any]]:
        names = ("request_arrivals_total", "in_flight_requests", "queue_requests")
        return [
            _series(PREFIX + name, {"namespace": namespace, "pod": pod}, 0.0)
            for pod in self._pods.get(namespace, ())
            for name in names
        ]


def _series(name: str, labels: dict[str, str], value: float) -> dict[str, Any]:
    now = time.time()
    values = [[now - age_s, str(value)] for age_s in (75, 60, 45, 30, 15, 1)]
    return {"metric": {"__name__": name, **labels}, "values": values}


@contextmanager
def serving(played: Played) -> Iterator[str]:
    """Its address, while it answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            result = played.answer(form["query"][0])
            data = {"resultType": "matrix", "result": result}
            body = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
