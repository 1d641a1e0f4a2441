"""Requests in flight, from single ones, from those that stand for many, and from rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.simulation.load import Flows, Load, mean_in_flight

EDGES: Floats = np.asarray(100.0 + np.arange(11.0), dtype=np.float64)
TIMES = st.lists(
    st.tuples(st.floats(95, 115), st.floats(0.01, 12), st.integers(1, 5)), min_size=1, max_size=20
)


@given(TIMES)
def test_mean_in_flight_is_the_overlap_of_each_request_with_each_second(
    requests: list[tuple[float, float, int]],
) -> None:
    starts, lasts, counts = (
        np.array(column, dtype=np.float64) for column in zip(*requests, strict=True)
    )
    ends = starts + lasts
    overlap = np.minimum(ends[:, None], EDGES[1:]) - np.maximum(starts[:, None], EDGES[:-1])

    found = mean_in_flight(starts, ends, EDGES, counts)

    assert found == pytest.approx((counts[:, None] * overlap.clip(0)).sum(0), abs=1e-9)


def test_a_second_without_requests_is_exactly_zero() -> None:
    starts = np.array([0.1, 0.2, 100.3, 100.7])
    found = mean_in_flight(starts, starts + 1.1, EDGES)
    assert found[3:].tolist() == [0.0] * 7


def test_a_flow_has_what_its_requests_would_have_in_flight() -> None:
    flows = Flows(
        np.array([102.0, 104.0]), np.array([104.0, 107.0]), np.array([50.0, 200.0]),
        np.array([1.5, 0.5]),
    )  # fmt: skip
    each = [
        start + (np.arange(rate * (end - start)) + 0.5) / rate
        for start, end, rate in zip(flows.start_s, flows.end_s, flows.rate, strict=True)
    ]
    starts = np.concatenate(each)
    ends = starts + np.repeat(flows.duration_s, [len(times) for times in each])

    assert flows.concurrency(EDGES) == pytest.approx(mean_in_flight(starts, ends, EDGES), abs=0.5)
    assert flows.concurrency(EDGES)[[0, 1, 8, 9]].tolist() == [0.0] * 4
    assert flows.arrived(np.array([100.0, 103.0, 105.0, 200.0])).tolist() == [0, 50, 300, 700]
    assert flows.level(103.9) == pytest.approx(75.0)


@pytest.mark.parametrize(
    ("arrivals", "durations", "words"),
    [
        ([1.0, 2.0], [1.0], "one length"),
        ([2.0, 1.0], [1.0, 1.0], "order"),
        ([1.0, np.nan], [1.0, 1.0], "finite"),
        ([1.0], [0.0], "more than no time"),
    ],
)
def test_a_load_that_cannot_have_happened_is_refused(
    arrivals: list[float], durations: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Load(np.array(arrivals), np.array(durations))
