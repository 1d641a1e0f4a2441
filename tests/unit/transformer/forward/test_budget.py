"""Retries stay a share of the requests."""

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.forward.budget import RetryBudget


@given(st.lists(st.booleans(), max_size=500))
def test_retries_never_exceed_their_share_and_the_reserve(steps: list[bool]) -> None:
    budget = RetryBudget(share=0.1, reserve=5.0)
    requests = retries = 0
    for is_request in steps:
        if is_request:
            budget.request()
            requests += 1
        else:
            retries += budget.take()
        assert retries <= 0.1 * requests + 5.0 + 1e-6


def test_ten_requests_earn_one_retry() -> None:
    budget = RetryBudget(share=0.1, reserve=1.0)
    assert budget.take()
    assert not budget.take()
    for _ in range(9):
        budget.request()
    assert not budget.take()
    budget.request()
    assert budget.take()


def test_what_is_saved_up_is_bounded() -> None:
    budget = RetryBudget(share=0.1, reserve=2.0)
    for _ in range(1000):
        budget.request()
    assert [budget.take() for _ in range(3)] == [True, True, False]
