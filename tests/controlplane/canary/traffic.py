"""Requests that never were: counters of both versions' pods, served as Prometheus reads them."""

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, Counter, generate_latest

from pilotlight.request_metrics import RequestMetrics

PREFIX = "pilotlight_predictor"
PORT = 8080
PERIOD_S = 0.05
LATE_S = 20.0
SOON_S = 0.05


@dataclass
class Manners:
    """How a version answers: shares of its requests."""

    fails: float = 0.0
    is_late: float = 0.0


class Server:
    """The metrics of one revision, at an address of its own on the loopback device."""

    def __init__(self, revision: str, address: str, manners: Manners) -> None:
        self.revision = revision
        self.manners = manners
        self.answered = 0
        self._registry = registry = CollectorRegistry()
        self._requests = RequestMetrics(PREFIX, revision, time.monotonic)
        self._codes = Counter(f"{PREFIX}_http_requests", "Answers.", ["code"], registry=registry)
        self._lock = threading.Lock()
        registry.register(self._requests)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with owner._lock:
                    body = generate_latest(owner._registry)
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer((address, PORT), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, numbers: random.Random) -> None:
        """One request, from its arrival to its end."""
        fails = numbers.random() < self.manners.fails
        wait_s = LATE_S if numbers.random() < self.manners.is_late else SOON_S
        now = time.monotonic()
        with self._lock:
            self.answered += 1
            request = self._requests.arrive(100, now - wait_s - 1)
            self._codes.labels("500" if fails else "200").inc()
            request.first_token(now - 1)
            request.end("error" if fails else "stop", 50, now)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class Traffic:
    """Sends requests as the gateway splits them, in a thread.

    Args:
        split: Percentage by revision, now.
        manners: How a revision answers, by the end of its name; well, if it is not there.
        per_second: Requests, of both together.
    """

    def __init__(
        self,
        split: Callable[[], Mapping[str, int]],
        manners: Mapping[str, Manners],
        per_second: float = 400,
    ) -> None:
        self._split = split
        self._manners = manners
        self._each = per_second * PERIOD_S
        self._servers: dict[str, Server] = {}
        self._numbers = random.Random(1)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic")

    def address(self, revision: str) -> str:
        """Where a revision's metrics are; they are served from now on."""
        if revision not in self._servers:
            number = len(self._servers) + 1
            manners = next(
                (m for end, m in self._manners.items() if revision.endswith(end)), Manners()
            )
            self._servers[revision] = Server(revision, _address(number), manners)
        return _address(list(self._servers).index(revision) + 1)

    def answered(self, revision: str) -> int:
        """Requests that a revision got."""
        found = self._servers.get(revision)
        return found.answered if found else 0

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for server in self._servers.values():
            server.close()

    def _run(self) -> None:
        while not self._stopped.wait(PERIOD_S):
            split = {name: share for name, share in self._split().items() if name in self._servers}
            if not sum(split.values()):
                continue
            for name in self._numbers.choices(
                list(split), weights=list(split.values()), k=round(self._each)
            ):
                self._servers[name].answer(self._numbers)


def _address(number: int) -> str:
    """One that no other process of the tests takes at the same time."""
    return f"127.{20 + os.getpid() // 250 % 200}.{os.getpid() % 250}.{number}"
