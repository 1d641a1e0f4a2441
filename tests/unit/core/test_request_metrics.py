"""What a server counts of each request."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from pilotlight.clock import SimulatedClock
from pilotlight.request_metrics import (
    FIRST_TOKEN_EDGES,
    FollowedRequest,
    RequestMetrics,
    edge_label,
)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def requests(clock: SimulatedClock) -> RequestMetrics:
    return RequestMetrics("x", "r-1", clock.monotonic)


@pytest.fixture
def value(requests: RequestMetrics) -> Callable[..., float]:
    registry = CollectorRegistry()
    registry.register(requests)

    def read(name: str, stratum: str = "256", **labels: str) -> float:
        found = registry.get_sample_value(
            f"x_{name}", {"revision": "r-1", "prompt_tokens": stratum, **labels}
        )
        assert found is not None
        return found

    return read


def test_a_request_counts_in_the_range_of_its_prompt(
    requests: RequestMetrics, value: Callable[..., float]
) -> None:
    for tokens in (1, 256, 257, 99999):
        requests.arrive(tokens, 0.0)
    counts = [value("request_arrivals_total", s) for s in ("256", "1024", "4096", "16384", "+Inf")]
    assert counts == [2, 1, 0, 0, 1]


def test_one_that_hangs_is_late_while_it_hangs(
    requests: RequestMetrics, clock: SimulatedClock, value: Callable[..., float]
) -> None:
    requests.arrive(10, 0.0)
    assert value("first_token_late_total", limit="3") == 0
    clock.advance(3.5)
    assert value("first_token_late_total", limit="3") == 1
    assert value("first_token_late_total", limit="6") == 0
    assert value("first_token_within_total", limit="6") == 0


def test_a_late_token_moves_nothing_that_was_counted(
    requests: RequestMetrics, clock: SimulatedClock, value: Callable[..., float]
) -> None:
    request = requests.arrive(10, 0.0)
    clock.advance(3.5)
    assert value("first_token_late_total", limit="3") == 1
    # Told afterwards, as of before it was counted.
    request.first_token(2.9)
    assert value("first_token_late_total", limit="3") == 1
    assert value("first_token_within_total", limit="3") == 0
    assert value("first_token_within_total", limit="6") == 1


def test_an_answer_in_one_piece_is_not_late_while_it_is_written(
    requests: RequestMetrics, clock: SimulatedClock, value: Callable[..., float]
) -> None:
    requests.arrive(10, 0.0, peek=lambda: 0.3)
    clock.advance(20)
    assert value("first_token_within_total", limit="0.4") == 1
    assert value("first_token_late_total", limit="12") == 0


@pytest.mark.parametrize("reason", ["cancelled", "refused", "error"])
def test_who_ends_without_a_first_token_is_late_by_every_limit(
    requests: RequestMetrics, value: Callable[..., float], reason: str
) -> None:
    requests.arrive(10, 0.0).end(reason, 0)
    for edge in FIRST_TOKEN_EDGES:
        assert value("first_token_late_total", limit=edge_label(edge)) == 1
    assert value("request_output_tokens_count") == 0
    assert value("requests_finished_total", reason=reason) == 1


def test_an_end_counts_once(requests: RequestMetrics, value: Callable[..., float]) -> None:
    request = requests.arrive(10, 0.0)
    request.first_token(0.1)
    request.end("stop", 11, 2.1)
    request.end("cancelled", 0)
    assert value("requests_finished_total", reason="stop") == 1
    assert value("requests_finished_total", reason="cancelled") == 0
    assert value("request_output_tokens_sum") == 11
    assert value("request_inter_token_seconds_sum") == pytest.approx(0.2)


def test_an_unknown_end_is_an_error(requests: RequestMetrics, value: Callable[..., float]) -> None:
    requests.arrive(10, 0.0).end("surprise", 3)
    assert value("requests_finished_total", reason="error") == 1


EVENTS = st.lists(
    st.one_of(
        st.just("arrive"),
        st.floats(0, 20).map(lambda seconds: ("wait", seconds)),
        st.integers(0, 9).map(lambda index: ("token", index)),
        st.integers(0, 9).map(lambda index: ("leave", index)),
    ),
    max_size=60,
)


@given(EVENTS)
def test_counters_only_rise_and_each_request_counts_once(events: list[object]) -> None:
    clock = SimulatedClock()
    requests = RequestMetrics("x", "", clock.monotonic)
    registry = CollectorRegistry()
    registry.register(requests)
    arrived: list[FollowedRequest] = []
    before: dict[tuple[str, ...], float] = {}
    for event in events:
        match event:
            case "arrive":
                arrived.append(requests.arrive(10, clock.now))
            case ("wait", float(seconds)):
                clock.advance(seconds)
            case ("token", int(index)) if index < len(arrived):
                arrived[index].first_token(clock.now)
            case ("leave", int(index)) if index < len(arrived):
                arrived[index].end("cancelled", 0)
        now = {
            (s.name, *s.labels.values()): s.value
            for family in registry.collect()
            for s in family.samples
        }
        assert all(now[key] >= value for key, value in before.items())
        before = now
    clock.advance(1e6)
    for edge in map(edge_label, FIRST_TOKEN_EDGES):
        labels = {"revision": "", "prompt_tokens": "256", "limit": edge}
        counted = [
            registry.get_sample_value(f"x_first_token_{kind}_total", labels)
            for kind in ("within", "late")
        ]
        assert sum(count or 0 for count in counted) == len(arrived)


def test_the_text_is_prometheus_own(requests: RequestMetrics) -> None:
    registry = CollectorRegistry()
    registry.register(requests)
    text = generate_latest(registry).decode()
    assert 'x_request_arrivals_total{prompt_tokens="+Inf",revision="r-1"} 0.0' in text
