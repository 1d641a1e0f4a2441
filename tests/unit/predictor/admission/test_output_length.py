"""The expected length of answers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.admission.output_length import MAX_TENANTS, OutputLength
from tests.unit.predictor.admission.simulation import work


@given(st.lists(st.integers(0, 5000)), st.integers(0, 400), st.integers(1, 8))
def test_the_estimate_is_within_what_the_request_allows(
    seen: list[int], limit: int, sequences: int
) -> None:
    lengths = OutputLength()
    for length in seen:
        lengths.learn(work(output=5000), length)
    expected = lengths.expected(work(output=limit, sequences=sequences))
    assert 0 <= expected <= limit * sequences
    assert expected > 0 or limit == 0


def test_it_learns_each_tenants_mean_and_shares_it_with_newcomers() -> None:
    lengths, rng = OutputLength(), random.Random(1)
    for _ in range(500):
        lengths.learn(work("brief", output=4000), rng.randint(5, 15))
        lengths.learn(work("wordy", output=4000), rng.randint(500, 1500))
    assert lengths.expected(work("brief", output=4000)) == pytest.approx(10, rel=0.2)
    assert lengths.expected(work("wordy", output=4000)) == pytest.approx(1000, rel=0.2)
    assert lengths.expected(work("new", output=4000)) == pytest.approx(505, rel=0.4)


def test_answers_cut_off_early_do_not_pull_the_mean_down() -> None:
    lengths = OutputLength()
    for _ in range(100):
        lengths.learn(work(output=4000), 300)
        lengths.learn(work(output=8), 8)
    assert lengths.expected(work(output=4000)) == pytest.approx(300, rel=0.05)


def test_an_estimate_is_of_one_choice() -> None:
    lengths = OutputLength()
    for _ in range(200):
        lengths.learn(work(output=4000, sequences=4), 4 * 60)
    assert lengths.expected(work(output=4000, sequences=2)) == pytest.approx(120, rel=0.05)


def test_tenants_that_went_do_not_fill_the_memory() -> None:
    lengths = OutputLength()
    for index in range(3 * MAX_TENANTS):
        lengths.learn(work(f"t{index}"), 10)
    assert len(lengths._tenants) == MAX_TENANTS
