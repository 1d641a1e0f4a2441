"""Averages over windows of one-second buckets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.kpa.buckets import Buckets, WeightedBuckets, decay


def _filled(kind: type[Buckets], window_s: float, values: dict[int, float]) -> Buckets:
    buckets = kind(window_s)
    for second, value in values.items():
        buckets.record(second, value)
    return buckets


def test_a_window_without_records_averages_to_zero_and_is_empty() -> None:
    buckets = Buckets(60)
    assert buckets.average(100) == 0.0
    assert buckets.empty(100)


def test_a_window_that_is_not_full_is_averaged_over_the_seconds_it_has() -> None:
    buckets = _filled(Buckets, 60, {100: 4.0, 101: 2.0})
    assert buckets.average(101) == 3.0


def test_seconds_without_a_record_inside_the_window_count_as_zero() -> None:
    buckets = _filled(Buckets, 60, {100: 4.0, 103: 4.0})
    assert buckets.average(103) == 2.0


def test_seconds_since_the_last_record_do_not_count() -> None:
    buckets = _filled(Buckets, 10, dict.fromkeys(range(100, 110), 5.0))
    assert buckets.average(113) == 5.0


def test_records_of_one_second_add_up() -> None:
    buckets = Buckets(10)
    buckets.record(100, 1.0)
    buckets.record(100, 2.0)
    assert buckets.average(100) == 3.0


def test_the_average_forgets_what_left_the_window() -> None:
    buckets = _filled(Buckets, 3, {100: 9.0, 101: 3.0, 102: 3.0, 103: 3.0})
    assert buckets.average(103) == 3.0


def test_a_gap_as_long_as_the_window_starts_anew() -> None:
    buckets = _filled(Buckets, 10, {100: 9.0, 110: 1.0})
    assert buckets.average(110) == 1.0
    assert buckets.average(111) == 1.0


def test_a_window_is_empty_only_after_more_than_its_length() -> None:
    buckets = _filled(Buckets, 10, {100: 9.0})
    assert not buckets.empty(110)
    assert buckets.average(110) == 0.0
    assert buckets.empty(111)


def test_a_late_record_counts_in_its_own_second_and_lengthens_the_window() -> None:
    buckets = _filled(Buckets, 10, {105: 4.0, 102: 4.0})
    assert buckets.average(105) == 2.0


def test_a_record_older_than_the_window_is_ignored() -> None:
    buckets = _filled(Buckets, 10, {110: 4.0, 100: 100.0})
    assert buckets.average(110) == 4.0


def test_averages_are_rounded_to_six_digits() -> None:
    assert _filled(Buckets, 10, {100: 1.0, 101: 0.0, 102: 0.0}).average(102) == 0.333333
    assert _filled(Buckets, 10, {100: 0.0000005}).average(100) == 0.000001
    assert _filled(Buckets, 10, {100: 0.0000004}).average(100) == 0.0


def test_a_longer_window_keeps_the_records_and_counts_as_full_as_the_old_one() -> None:
    buckets = _filled(Buckets, 4, {100: 8.0})
    buckets.resize(10, 100)
    assert buckets.average(100) == 2.0


def test_a_shorter_window_keeps_the_newest_records() -> None:
    buckets = _filled(Buckets, 10, {100: 9.0, 105: 4.0, 106: 2.0})
    buckets.resize(2, 106)
    assert buckets.average(106) == 3.0


def test_a_resized_window_without_recent_records_is_empty() -> None:
    buckets = _filled(Buckets, 10, {100: 9.0})
    buckets.resize(60, 120)
    buckets.record(121, 3.0)
    assert buckets.average(121) == 3.0


def test_recent_seconds_weigh_more_in_the_weighted_average() -> None:
    rising = _filled(WeightedBuckets, 4, {100: 5.0, 101: 5.0, 102: 10.0, 103: 10.0})
    falling = _filled(WeightedBuckets, 4, {100: 10.0, 101: 10.0, 102: 5.0, 103: 5.0})
    assert rising.average(103) > 7.5 > falling.average(103)


def test_the_weighted_average_falls_while_nothing_is_recorded() -> None:
    buckets = _filled(WeightedBuckets, 10, dict.fromkeys(range(100, 110), 5.0))
    averages = [buckets.average(second) for second in range(109, 121)]
    assert averages == sorted(averages, reverse=True)
    assert averages[-1] == 0.0


@pytest.mark.parametrize("buckets", [1, 2, 3, 6, 30, 41])
def test_weights_of_a_short_window_add_up_to_nearly_one(buckets: int) -> None:
    newest = decay(buckets)
    weights = sum(newest * (1 - newest) ** age for age in range(buckets))
    assert weights == pytest.approx(0.9999, abs=1e-9)


def test_weights_of_long_windows_fall_by_a_fifth_each_second() -> None:
    assert decay(42) == decay(3600) == 0.2


SECONDS = st.dictionaries(st.integers(1000, 1100), st.integers(0, 1000), max_size=60)


@given(window_s=st.integers(1, 40), values=SECONDS, wait_s=st.integers(0, 50))
def test_the_average_is_that_of_the_seconds_since_the_first_record_of_an_activity(
    window_s: int, values: dict[int, int], wait_s: int
) -> None:
    ordered = dict(sorted(values.items()))
    buckets = _filled(Buckets, window_s, {second: float(v) for second, v in ordered.items()})
    last = max(ordered, default=0)
    now = last + wait_s
    assert buckets.average(now) == pytest.approx(_naive(ordered, window_s, now), abs=1e-6)


def _naive(values: dict[int, int], window_s: int, now: int) -> float:
    """The definition, from a list of all records."""
    if not values or now - max(values) >= window_s:
        return 0.0
    first = last = min(values)
    for second in values:
        first = second if second - last >= window_s else first
        last = second
    since = max(now - window_s + 1, first)
    kept = [value for second, value in values.items() if since <= second]
    return math.fsum(kept) / min(last - since + 1, last - first + 1)
