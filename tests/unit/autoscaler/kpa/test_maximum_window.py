"""The window that delays a fall."""

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.kpa.windows import MaximumWindow


def test_a_rise_counts_at_once() -> None:
    window = MaximumWindow(60, 2)
    window.record(0.0, 1)
    window.record(2.0, 5)
    assert window.current == 5


def test_a_fall_counts_only_when_the_window_has_passed() -> None:
    window = MaximumWindow(6, 2)
    window.record(100.0, 5)
    window.record(104.0, 1)
    assert window.current == 5
    window.record(106.0, 1)
    assert window.current == 1


def test_of_two_values_in_one_bucket_the_greater_counts() -> None:
    window = MaximumWindow(2, 2)
    window.record(100.0, 5)
    window.record(101.9, 3)
    assert window.current == 5


def test_a_window_shorter_than_a_bucket_has_one() -> None:
    window = MaximumWindow(1, 2)
    window.record(100.0, 5)
    window.record(102.0, 3)
    assert window.current == 3


@given(
    size=st.integers(1, 8),
    steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=40),
)
def test_it_is_the_greatest_value_of_the_buckets_in_the_window(
    size: int, steps: list[tuple[int, int]]
) -> None:
    window = MaximumWindow(size * 2, 2)
    seen: list[tuple[int, int]] = []
    now = 0
    for wait_s, value in steps:
        now += wait_s
        window.record(float(now), value)
        seen.append((now // 2, value))
        inside = [value for bucket, value in seen if now // 2 - bucket < size]
        assert window.current == max(inside)
