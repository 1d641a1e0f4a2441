"""Circuit breakers, on a simulated clock."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from pilotlight.clock import SimulatedClock
from pilotlight_transformer.routing.breaker import (
    MAX_UPSTREAMS,
    Breaker,
    BreakerPolicy,
    Breakers,
    State,
)

POLICY = BreakerPolicy(
    failures=3, ratio=0.5, window_s=10, least_calls=6, open_s=1, open_cap_s=5, probe_s=20
)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(POLICY)
    for _ in range(POLICY.failures):
        breaker.failed(now)
    return breaker


def test_it_opens_at_so_many_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker(POLICY)
    breaker.failed(0)
    breaker.failed(0)
    breaker.succeeded(0)
    breaker.failed(0)
    breaker.failed(0)
    assert breaker.allows(0)
    breaker.failed(0)
    assert not breaker.allows(0)


def test_it_opens_when_half_of_the_calls_fail_though_never_many_in_a_row() -> None:
    breaker = Breaker(POLICY)
    for _ in range(2):
        breaker.succeeded(0)
        breaker.failed(0)
    breaker.succeeded(1)
    assert breaker.allows(1)
    breaker.failed(1)
    assert not breaker.allows(1)


def test_failures_from_before_the_window_do_not_count() -> None:
    breaker = Breaker(POLICY)
    for _ in range(2):
        breaker.failed(0)
        breaker.succeeded(0)
    breaker.failed(11)
    breaker.succeeded(11)
    breaker.failed(11)
    assert breaker.state is State.CLOSED


def test_after_a_while_one_probe_goes_and_no_second_one() -> None:
    breaker = opened()
    assert not breaker.allows(0.9)
    assert breaker.allows(1)
    assert not breaker.allows(1)
    assert not breaker.allows(5)


def test_a_probe_that_goes_well_closes_it_and_resets_the_backoff() -> None:
    breaker = opened()
    assert breaker.allows(1)
    breaker.failed(1)
    assert breaker.allows(3)
    breaker.succeeded(3)
    assert breaker.state is State.CLOSED
    for _ in range(3):
        breaker.failed(3)
    assert breaker.allows(4)


def test_each_failed_probe_doubles_the_wait_up_to_the_cap() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(5):
        since = now
        while not breaker.allows(now):
            now += 0.5
        waits.append(now - since)
        breaker.failed(now)
    assert waits == [1, 2, 4, 5, 5]


def test_a_probe_whose_end_nobody_tells_does_not_lock_it_for_ever() -> None:
    breaker = opened()
    assert breaker.allows(1)
    assert not breaker.allows(20)
    assert breaker.allows(21)
    assert not breaker.allows(21)


def test_a_probe_that_is_given_up_lets_the_next_call_be_the_probe() -> None:
    breaker = opened()
    assert breaker.allows(1)
    breaker.given_up(2)
    assert breaker.allows(2)
    assert not breaker.allows(2)
    breaker.failed(2)
    assert not breaker.allows(3.9)
    assert breaker.allows(4)


def test_a_call_that_is_given_up_changes_nothing_while_it_is_closed_or_open() -> None:
    breaker = Breaker(POLICY)
    breaker.failed(0)
    breaker.failed(0)
    breaker.given_up(0)
    assert breaker.allows(0)
    breaker.failed(0)
    breaker.given_up(0.5)
    assert not breaker.allows(0.9)


def test_calls_from_before_it_opened_change_nothing_while_it_is_open() -> None:
    breaker = opened()
    breaker.succeeded(0.5)
    assert breaker.state is State.OPEN
    breaker.failed(0.5)
    assert breaker.allows(1)


@given(st.lists(st.tuples(st.sampled_from("asfg"), st.floats(0, 30, allow_nan=False)), max_size=60))
def test_whatever_happens_it_lets_a_call_through_again_in_bounded_time(
    events: list[tuple[str, float]],
) -> None:
    breaker, now = Breaker(POLICY), 0.0
    for kind, later in events:
        now += later
        if kind == "a":
            breaker.allows(now)
        elif kind == "s":
            breaker.succeeded(now)
        elif kind == "g":
            breaker.given_up(now)
        else:
            breaker.failed(now)
    assert breaker.allows(now + max(POLICY.open_cap_s, POLICY.probe_s))


@given(st.lists(st.floats(0, POLICY.probe_s / 40), min_size=1, max_size=30))
def test_while_a_probe_is_out_no_other_call_passes(steps: list[float]) -> None:
    breaker, now = opened(), 1.0
    assert breaker.allows(now)
    for step in steps:
        now += step
        assert not breaker.allows(now)


def test_upstreams_have_breakers_of_their_own_and_show_their_state() -> None:
    clock = SimulatedClock()
    breakers = Breakers(clock, POLICY)
    registry = CollectorRegistry()
    for collector in breakers.collectors():
        registry.register(collector)
    for _ in range(3):
        breakers.failed("a")
    assert not breakers.allows("a")
    assert breakers.allows("b")
    assert (breakers.closed("a"), breakers.closed("b"), breakers.closed("new")) == (0, 1, 1)

    def value(name: str, upstream: str) -> float | None:
        return registry.get_sample_value(f"pilotlight_transformer_{name}", {"upstream": upstream})

    assert value("breaker_state", "a") == 2
    assert value("breaker_state", "b") == 0
    assert value("breaker_openings_total", "a") == 1
    clock.advance(1)
    assert breakers.allows("a")
    assert value("breaker_state", "a") == 1
    breakers.given_up("a")
    breakers.given_up("unknown")
    assert value("breaker_state", "a") == 2
    assert value("breaker_state", "unknown") is None
    assert value("breaker_openings_total", "a") == 1
    assert breakers.allows("a")
    breakers.succeeded("a")
    assert value("breaker_state", "a") == 0


def test_names_without_end_do_not_fill_the_memory_or_the_metrics() -> None:
    breakers = Breakers(SimulatedClock(), POLICY)
    for number in range(MAX_UPSTREAMS + 10):
        breakers.failed(f"u{number}")
    state, _ = breakers.collectors()
    (metric,) = state.collect()
    assert len(metric.samples) == MAX_UPSTREAMS
