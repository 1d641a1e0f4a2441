"""A bucket never lets more pass than its burst and what filled it meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.limits.bucket import Level, Limit, full_in_s, wait_s
from pilotlight_transformer.limits.charge import Bucket, Charge, Correction
from pilotlight_transformer.limits.local import LocalBuckets

RATES = st.floats(0.01, 1e5)
BURSTS = st.integers(1, 10_000).map(float)
GAPS = st.one_of(st.just(0.0), st.floats(0, 100))


def a_bucket(limit: Limit, key: str = "k") -> Bucket:
    return Bucket("key", "tokens", key, limit)


@given(RATES, BURSTS, st.lists(st.tuples(GAPS, st.integers(1, 500)), max_size=60))
def test_in_every_span_of_time_no_more_passes_than_burst_and_rate(
    rate: float, burst: float, arrivals: list[tuple[float, int]]
) -> None:
    buckets, bucket, now = LocalBuckets(), a_bucket(Limit(rate, burst)), 0.0
    passed: list[tuple[float, int]] = []
    for gap, amount in arrivals:
        now += gap
        if buckets.take([Charge(bucket, amount, amount)], now).admitted:
            passed.append((now, amount))
    for first in range(len(passed)):
        total = 0
        for at, amount in passed[first:]:
            total += amount
            assert total <= burst + rate * (at - passed[first][0]) + 1e-6 * (1 + total)


@given(
    RATES,
    BURSTS,
    st.lists(st.tuples(GAPS, st.integers(1, 500), st.floats(0, 1), GAPS), max_size=40),
)
def test_what_is_used_after_settling_stays_within_the_bound(
    rate: float, burst: float, calls: list[tuple[float, int, float, float]]
) -> None:
    """Each call uses a part of what it took, and is settled while others may run."""
    buckets, bucket, now, used = LocalBuckets(), a_bucket(Limit(rate, burst)), 0.0, 0.0
    open_calls: list[tuple[float, float]] = []
    for gap, amount, part, lasting in calls:
        now += gap
        for over in [each for each in open_calls if each[0] <= now]:
            open_calls.remove(over)
            buckets.settle([Correction(bucket, over[1])], now)
        verdict = buckets.take([Charge(bucket, amount, amount)], now)
        if verdict.admitted:
            used += amount * part
            open_calls.append((now + lasting, amount * part - amount))
        assert used <= burst + rate * now + 1e-6 * (1 + used)
        assert verdict.taken[0].left <= burst


@given(RATES, BURSTS, st.floats(0, 1e6), st.floats(0, 1e6))
def test_giving_back_never_fills_a_bucket_over_its_burst(
    rate: float, burst: float, tokens: float, back: float
) -> None:
    limit = Limit(rate, burst)
    assert Level(min(tokens, burst), 0.0).less(-back, limit).tokens <= burst


@given(RATES, BURSTS, st.floats(0, 1e4))
def test_after_the_wait_that_was_told_it_passes(rate: float, burst: float, debt: float) -> None:
    limit = Limit(rate, burst)
    empty = Level(-debt, 0.0)
    later = empty.later(limit, wait_s(limit, empty.tokens, 1.0) * (1 + 1e-9) + 1e-6)
    assert later.tokens >= 1.0 - 1e-6
    full = empty.later(limit, full_in_s(limit, empty.tokens) * (1 + 1e-9))
    assert full.tokens == pytest.approx(burst)


def test_a_debt_is_paid_before_anything_passes() -> None:
    buckets, bucket = LocalBuckets(), a_bucket(Limit(1.0, 10.0))
    assert buckets.take([Charge(bucket, 10, 10)], 0.0).admitted
    buckets.settle([Correction(bucket, 5)], 0.0)
    refused = buckets.take([Charge(bucket, 1, 1)], 5.5)
    assert not refused.admitted
    assert refused.taken[0].wait_s == pytest.approx(0.5)
    assert buckets.take([Charge(bucket, 1, 1)], 6.0).admitted


def test_a_clock_that_goes_back_fills_nothing() -> None:
    buckets, bucket = LocalBuckets(), a_bucket(Limit(1.0, 1.0))
    assert buckets.take([Charge(bucket, 1, 1)], 100.0).admitted
    assert not buckets.take([Charge(bucket, 1, 1)], 50.0).admitted
    assert not buckets.take([Charge(bucket, 1, 1)], 100.5).admitted
    assert buckets.take([Charge(bucket, 1, 1)], 101.0).admitted


def test_all_buckets_of_a_request_are_charged_or_none() -> None:
    buckets = LocalBuckets()
    wide, narrow = a_bucket(Limit(1e-6, 5.0), "wide"), a_bucket(Limit(1e-6, 1.0), "narrow")
    both = [Charge(wide, 1, 1), Charge(narrow, 1, 1)]
    assert [buckets.take(both, 0.0).admitted for _ in range(4)] == [True, False, False, False]
    assert [buckets.take(both[:1], 0.0).admitted for _ in range(5)] == [True] * 4 + [False]


def test_a_reservation_is_cut_to_the_burst_but_a_prompt_is_not() -> None:
    limit = Limit(1.0, 100.0)
    assert limit.amount(60, 5000) == 100
    assert limit.amount(60, 70) == 70
    assert limit.amount(101, 5000) is None


@given(RATES, BURSTS, st.integers(1, 16), st.integers(1, 50))
def test_processes_together_keep_the_limit(
    rate: float, burst: float, processes: int, each: int
) -> None:
    share = Limit(rate, burst).share(processes)
    assert share.rate * processes == pytest.approx(rate)
    assert share.burst >= 1
    assert share.burst * processes <= max(burst, processes) * (1 + 1e-9)


def test_only_the_buckets_used_last_are_kept() -> None:
    buckets = LocalBuckets(most=100)
    limit = Limit(1e-6, 1.0)
    for number in range(150):
        buckets.take([Charge(a_bucket(limit, f"k{number}"), 1, 1)], 0.0)
        buckets.take([Charge(a_bucket(limit, "busy"), 0, 0)], 0.0)
    assert len(buckets) == 100
    assert not buckets.take([Charge(a_bucket(limit, "k149"), 1, 1)], 0.0).admitted
    assert buckets.take([Charge(a_bucket(limit, "k0"), 1, 1)], 0.0).admitted
