"""The most that a replica may have in flight."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.capacity.configuration import Lengths, Point
from pilotlight_autoscaler.capacity.level import levels
from pilotlight_autoscaler.capacity.operating_point import at, largest
from pilotlight_autoscaler.capacity.traffic import Limits, Sizes
from tests.unit.autoscaler.capacity.curves import LENGTHS, STEADY, replica, sweeps

SIZES = Sizes(LENGTHS)
limits = st.builds(
    Limits,
    ttft_s=st.floats(0.01, 6.0),
    e2e_s=st.none() | st.floats(0.3, 40.0),
    tpot_s=st.none() | st.floats(0.002, 0.1),
)


@given(sweeps(), limits)
def test_it_keeps_every_limit_and_one_more_would_not(
    points: tuple[Point, ...], kept: Limits
) -> None:
    curve = levels(replica(*points), SIZES)
    found = largest(curve, kept, [])
    if found is None:
        assert curve[0].excess(kept) > 1
        return
    assert found.level.excess(kept) <= 1 + 1e-9
    assert curve[0].concurrency <= found.slots <= curve[-1].concurrency
    if found.slots + 1 <= curve[-1].concurrency:
        assert at(curve, found.slots + 1).excess(kept) > 1 - 1e-9
    else:
        assert found.note is not None or curve[-1].excess(kept) > 1 - 1e-9


@given(sweeps(), limits, st.floats(1.0, 3.0))
def test_a_looser_limit_never_allows_less(
    points: tuple[Point, ...], kept: Limits, looser: float
) -> None:
    curve = levels(replica(*points), SIZES)
    tight = largest(curve, kept, [])
    loose = largest(curve, replace(kept, ttft_s=(kept.ttft_s or 1) * looser), [])
    assert tight is None or (loose is not None and loose.slots >= tight.slots)


@given(sweeps())
def test_no_time_falls_as_more_is_in_flight(points: tuple[Point, ...]) -> None:
    curve = levels(replica(*points), SIZES)
    for one, other in pairwise(curve):
        assert one.ttft_s <= other.ttft_s
        assert one.e2e_s <= other.e2e_s
        assert one.tpot_s <= other.tpot_s


def test_nothing_is_said_beyond_the_last_point() -> None:
    found = largest(levels(replica(), SIZES), Limits(ttft_s=60), [])
    assert found is not None
    assert (found.slots, found.bound) == (128, "nothing more was measured")
    assert found.note is not None
    with pytest.raises(ValueError, match="129 was not measured"):
        at(levels(replica(), SIZES), 129)


def test_between_two_points_lies_a_straight_line() -> None:
    found = largest(levels(replica(), SIZES), Limits(ttft_s=1.6), [])
    assert found is not None
    assert (found.slots, found.bound) == (96, "TTFT P99")
    assert found.level.requests_per_s == pytest.approx((6400 + 8000) / 2 / 200)
    assert found.level.residence_s == pytest.approx(96 / 36)


def test_the_cache_bounds_what_time_allows() -> None:
    found = largest(levels(replica(), SIZES), Limits(ttft_s=2), [(50.7, "KV cache")])
    assert found is not None
    assert (found.slots, found.bound) == (50, "KV cache")


def test_a_cache_below_all_that_was_measured_allows_nothing() -> None:
    few = tuple(point for point in STEADY if point.concurrency > 1)
    assert largest(levels(replica(*few), SIZES), Limits(ttft_s=2), [(8.0, "KV cache")]) is None


def test_a_whole_request_without_a_measurement_is_first_token_and_all_others() -> None:
    point = Point(1, 200.0, 0.1, 0.005)
    level = levels(replica(point), SIZES)[0]
    assert level.e2e_s == pytest.approx(0.1 + 199 * 0.005)


def test_answers_of_scattered_length_take_longer_than_measured() -> None:
    level = levels(replica(), Sizes(LENGTHS, output_cv=1.0))[0]
    assert level.e2e_s > levels(replica(), SIZES)[0].e2e_s
    assert level.e2e_s == pytest.approx(
        0.05 + 0.005 * (Sizes(LENGTHS, output_cv=1).long_output - 1)
    )


@given(st.floats(200, 4000), st.floats(50, 2000))
def test_longer_requests_are_never_converted_into_more_of_them(
    prompt: float, output: float
) -> None:
    known = replica(prefill_tokens_per_s=60_000.0)
    before = levels(known, Sizes(Lengths(prompt, output)))
    after = levels(known, Sizes(Lengths(prompt * 1.2, output * 1.2)))
    near = known.lengths.near(Lengths(prompt, output)) != known.lengths.near(
        Lengths(prompt * 1.2, output * 1.2)
    )
    for one, other in zip(before, after, strict=True):
        assert other.requests_per_s <= one.requests_per_s * (1.11 if near else 1 + 1e-9)
        assert other.ttft_s >= one.ttft_s * (0.9 if near else 1)


def test_other_lengths_without_a_prefill_speed_are_refused() -> None:
    with pytest.raises(ValueError, match="measured with 500 tokens in, 200 out"):
        levels(replica(), Sizes(Lengths(900, 200)))


def test_a_prefill_speed_below_what_was_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="below what was measured"):
        levels(replica(prefill_tokens_per_s=100.0), Sizes(Lengths(900, 200)))
