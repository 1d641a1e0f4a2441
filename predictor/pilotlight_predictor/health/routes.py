"""The health and metrics routes, answered in every state from the first moment on."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from pilotlight_predictor.state import Lifecycle, State

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

LIVE_PATHS = frozenset({"/", "/v2/health/live"})
READY_PATHS = frozenset({"/v2/health/ready", "/health"})
METRICS_PATH = "/metrics"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A yes or no, and why."""

    ok: bool
    reason: str = ""


class HealthRoutes:
    """Liveness: the engine lives and moves. Readiness: ready, and the GPUs are well."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self.liveness: Callable[[], Verdict] = lambda: Verdict(True)
        self.gpu: Callable[[], Verdict] = lambda: Verdict(True)

    def live(self) -> Verdict:
        """Whether the process should go on at all."""
        if self._lifecycle.state is State.FAILED:
            return Verdict(False, self._lifecycle.reason)
        return self.liveness()

    def ready(self) -> Verdict:
        """Whether requests should come here."""
        if self._lifecycle.state is not State.READY:
            return Verdict(False, self._lifecycle.reason)
        alive = self.liveness()
        return self.gpu() if alive.ok else alive

    def answer(self, method: str, path: str) -> Answer | None:
        """Answer a request for one of these routes; ``None`` for any other."""
        if path == METRICS_PATH and method == "GET":
            body = generate_latest(REGISTRY)
            return 200, _headers(CONTENT_TYPE_LATEST, body), body
        if method not in {"GET", "HEAD"}:
            return None
        if path in LIVE_PATHS:
            return self._verdict("live", self.live())
        if path in READY_PATHS:
            return self._verdict("ready", self.ready())
        return None

    def _verdict(self, name: str, verdict: Verdict) -> Answer:
        fields = {name: verdict.ok, "state": str(self._lifecycle.state)}
        if verdict.reason:
            fields["reason"] = verdict.reason
        body = json.dumps(fields).encode()
        return (200 if verdict.ok else 503), _headers("application/json", body), body


def _headers(content_type: str, body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
