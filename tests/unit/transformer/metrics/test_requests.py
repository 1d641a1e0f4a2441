"""What is counted of a request, and what is not."""

from prometheus_client import CollectorRegistry

from pilotlight.clock import SimulatedClock
from pilotlight_transformer.metrics.requests import RequestCounter
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.step import Outcome
from tests.unit.transformer.playing import a_call, a_chat

STRATUM = {"revision": "r-1", "prompt_tokens": "256"}


class Counted:
    """A counter, its clock, and its figures."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(100.0)
        self.counter = RequestCounter("r-1", self.clock.monotonic)
        self._registry = CollectorRegistry()
        self._registry.register(self.counter)

    def call(self, *, stream: bool = True) -> Call:
        call = a_call(a_chat(stream=stream))
        call.arrived_at = self.clock.now
        self.counter.began(call)
        return call

    def end(self, call: Call, status: int = 200, **how: object) -> None:
        outcome = Outcome()
        outcome.status = status
        for name, value in how.items():
            setattr(outcome, name, value)
        self.counter.ended(call, outcome)

    def value(self, name: str, **labels: str) -> float | None:
        labels = {**STRATUM, **labels}
        return self._registry.get_sample_value(f"pilotlight_transformer_{name}", labels)


def test_a_stream_is_timed_from_its_arrival_to_its_last_event() -> None:
    counted = Counted()
    call = counted.call()
    counted.clock.advance(0.3)
    for data in (b'data: {"role"}\n\n', b"data: 1\n\ndata: 2\n\n", b"data: 3\n\n"):
        counted.counter.passing(call, 200, data)
        counted.clock.advance(0.1)
    counted.counter.passing(call, 200, b'data: {"finish_reason": "length"}\n\ndata: [DONE]\n\n')
    counted.end(call)
    assert counted.value("request_arrivals_total") == 1
    assert counted.value("first_token_within_total", limit="0.4") == 1
    assert counted.value("first_token_late_total", limit="0.2") == 1
    assert counted.value("requests_finished_total", reason="length") == 1
    assert counted.value("request_output_tokens_sum") == 4
    assert counted.value("request_inter_token_seconds_count") == 1


def test_a_whole_answer_is_as_long_as_its_usage_says() -> None:
    counted = Counted()
    call = counted.call(stream=False)
    body = b'{"choices":[{"finish_reason":"stop"}],"usage":{"completion_tokens":17}}'
    counted.counter.passing(call, 200, body)
    counted.end(call)
    assert counted.value("request_output_tokens_sum") == 17
    assert counted.value("requests_finished_total", reason="stop") == 1
    assert counted.value("request_inter_token_seconds_count") == 0


def test_who_waits_is_late_by_what_has_passed() -> None:
    counted = Counted()
    call = counted.call()
    counted.clock.advance(1.0)
    assert counted.value("first_token_late_total", limit="0.8") == 1
    assert counted.value("first_token_late_total", limit="1.5") == 0
    counted.end(call, 499, cancelled=True)
    assert counted.value("requests_finished_total", reason="cancelled") == 1
    assert counted.value("first_token_late_total", limit="120") == 1


def test_a_request_that_is_wrong_in_itself_is_not_counted() -> None:
    counted = Counted()
    for status in (400, 401, 403, 404, 413):
        counted.end(counted.call(), status, error="invalid_request")
    assert counted.value("request_arrivals_total") == 0


def test_refusals_and_failures_are_counted_as_such() -> None:
    counted = Counted()
    counted.end(counted.call(), 429, error="overloaded")
    counted.end(counted.call(), 503, error="unavailable")
    counted.end(counted.call(), 502, error="bad_gateway")
    counted.end(counted.call(), 200, error="bad_gateway", cut=True)
    assert counted.value("requests_finished_total", reason="refused") == 2
    assert counted.value("requests_finished_total", reason="error") == 2


def test_other_routes_are_not_counted() -> None:
    counted = Counted()
    call = a_call(method="GET", path="/v1/models")
    counted.counter.began(call)
    counted.end(call)
    assert counted.value("request_arrivals_total") == 0


def test_nothing_is_kept_of_a_request_that_has_ended() -> None:
    counted = Counted()
    for _ in range(10):
        counted.end(counted.call())
    assert counted.counter._waiting == {}
