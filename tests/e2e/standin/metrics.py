"""The predictor's metrics (docs/metrics.md), less the GPUs', under the same names and labels."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .request_metrics import STALL, FollowedRequest, RequestMetrics

KV_CACHE_TOKENS = 16384
STATES = ("loading", "warming", "ready", "draining", "stopped", "failed")
CLASS = "interactive"

_P = "pilotlight_predictor"
_WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TTFT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60, 120)
_INTER_TOKEN_BUCKETS = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5)


class Metrics:
    """One registry, and what the server does with it."""

    def __init__(self) -> None:
        self.registry = r = CollectorRegistry()
        by_class = ["class"]
        self._state = Gauge(f"{_P}_state", "State.", ["state"], registry=r)
        self._phase = Gauge(f"{_P}_start_phase_seconds", "Start.", ["phase"], registry=r)
        self._http = Counter(f"{_P}_http_requests", "Answers.", ["code"], registry=r)
        self.in_flight = Gauge(f"{_P}_in_flight_requests", "In flight.", registry=r)
        self._admissions = Counter(
            f"{_P}_admission_decisions", "Decisions.", ["decision", "class"], registry=r
        )
        self._queue = Gauge(f"{_P}_queue_requests", "Waiting.", by_class, registry=r)
        self._queue_tokens = Gauge(f"{_P}_queue_tokens", "Waiting.", by_class, registry=r)
        self._queue_wait = Histogram(
            f"{_P}_queue_wait_seconds", "Wait.", by_class, buckets=_WAIT_BUCKETS, registry=r
        )
        # The stand-in predicts nothing: it stays 0.
        Gauge(f"{_P}_expected_wait_seconds", "Expected.", registry=r)
        self._cached = Counter(f"{_P}_cached_prompt_tokens", "Cached.", registry=r)
        revision = os.environ.get("K_REVISION", "")
        self.requests = RequestMetrics(_P, revision, time.monotonic)
        r.register(self.requests)
        self._stall = Gauge(f"{_P}_{STALL}", "Stalled.", registry=r)
        self._running = Gauge(f"{_P}_running_requests", "Running.", registry=r)
        self._reserved = Gauge(f"{_P}_reserved_tokens", "Reserved.", registry=r)
        Gauge(f"{_P}_kv_cache_tokens", "Size.", registry=r).set(KV_CACHE_TOKENS)
        self._usage = Gauge(f"{_P}_kv_cache_usage_ratio", "Used.", registry=r)
        self._ttft = Histogram(
            f"{_P}_time_to_first_token_seconds",
            "First token.",
            by_class,
            buckets=_TTFT_BUCKETS,
            registry=r,
        )
        self._inter_token = Histogram(
            f"{_P}_inter_token_seconds", "Tokens.", buckets=_INTER_TOKEN_BUCKETS, registry=r
        )
        self._prompt = Counter(f"{_P}_prompt_tokens", "Tokens in.", registry=r)
        self._output = Counter(f"{_P}_output_tokens", "Tokens out.", registry=r)
        self._reserved_tokens = 0
        self._running_now = 0
        self._last_step_s = 0.0

    def exposition(self, state: str) -> bytes:
        """Prometheus' text format, in a state."""
        self._stall.set(time.monotonic() - self._last_step_s if self._running_now else 0.0)
        for each in STATES:
            self._state.labels(each).set(each == state)
        return generate_latest(self.registry)

    def started(self, seconds: float) -> None:
        """It is ready, so long after its start."""
        self._phase.labels("total").set(seconds)

    def answered(self, code: str) -> None:
        """An answer has ended, with a status or ``none``."""
        self._http.labels(code).inc()

    def failed(self, prompt_tokens: int) -> None:
        """A request came and is answered with an error."""
        self.requests.arrive(prompt_tokens, time.monotonic()).end("error", 0)

    @contextlib.contextmanager
    def followed(self, prompt_tokens: int, finish_reason: str) -> Iterator["Followed"]:
        """A request, from its arrival to its end."""
        followed = Followed(self.requests.arrive(prompt_tokens, time.monotonic()))
        try:
            yield followed
        except (asyncio.CancelledError, GeneratorExit):
            followed.end("cancelled")
            raise
        except BaseException:
            followed.end("error")
            raise
        followed.end(finish_reason)

    @contextlib.contextmanager
    def waiting(self, tokens: int) -> Iterator[None]:
        """A request waits for a slot."""
        self._admissions.labels("accepted", CLASS).inc()
        gauges = ((self._queue.labels(CLASS), 1), (self._queue_tokens.labels(CLASS), tokens))
        with _raised(*gauges), self._queue_wait.labels(CLASS).time():
            yield

    @contextlib.contextmanager
    def running(self, prompt_tokens: int, tokens: int) -> Iterator[None]:
        """A request runs, and has so many tokens of the cache set aside."""
        self._prompt.inc(prompt_tokens)
        self._reserve(tokens)
        if not self._running_now:
            self._last_step_s = time.monotonic()
        self._running_now += 1
        try:
            with _raised((self._running, 1)):
                yield
        finally:
            self._running_now -= 1
            self._reserve(-tokens)

    def cached(self, tokens: int) -> None:
        """So many of a prompt's tokens were in the cache."""
        self._cached.inc(tokens)

    def token(self, since_arrival_s: float, since_last_s: float | None) -> None:
        """A token came; the first one has no last."""
        self._output.inc()
        self._last_step_s = time.monotonic()
        if since_last_s is None:
            self._ttft.labels(CLASS).observe(since_arrival_s)
        else:
            self._inter_token.observe(since_last_s)

    def _reserve(self, tokens: int) -> None:
        self._reserved_tokens += tokens
        self._reserved.set(self._reserved_tokens)
        self._usage.set(min(1.0, self._reserved_tokens / KV_CACHE_TOKENS))


class Followed:
    """One request that is being answered."""

    def __init__(self, request: FollowedRequest) -> None:
        self._request = request
        self._tokens = 0
        self._last_s: float | None = None

    def token(self, *, is_cached: bool) -> None:
        """A token came; the first one tells whether its prompt was in the cache."""
        self._last_s = time.monotonic()
        self._tokens += 1
        if self._tokens == 1:
            self._request.cache(hit=is_cached)
            self._request.first_token(self._last_s)

    def end(self, reason: str) -> None:
        """Its answer has ended."""
        self._request.end(reason, self._tokens, self._last_s)


@contextlib.contextmanager
def _raised(*gauges: tuple[Gauge, int]) -> Iterator[None]:
    for gauge, amount in gauges:
        gauge.inc(amount)
    try:
        yield
    finally:
        for gauge, amount in gauges:
            gauge.dec(amount)
