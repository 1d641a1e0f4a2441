"""The formulas of the expected wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.admission.wait import MAX_WAIT_S, batch_wait_s, interactive_wait_s

AMOUNT = st.floats(0, 1e6)


@pytest.mark.parametrize(("batch_waits", "expected"), [(False, 10.0), (True, 12.5)])
def test_interactive_work_waits_for_its_own_class_beside_the_batch_share(
    batch_waits: bool, expected: float
) -> None:
    assert interactive_wait_s(1000, 100, 0.2, batch_waits=batch_waits) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("interactive", "arrivals", "expected"),
    [
        (0, 0, 10.0),
        (500, 0, 15.0),
        (500, 50, 30.0),
        (500, 99, 50.0),
        (500, 200, 50.0),
    ],
    ids=["alone", "behind a queue", "behind arrivals too", "at its share", "in an overload"],
)
def test_batch_work_waits_for_both_classes_but_never_longer_than_at_its_share(
    interactive: float, arrivals: float, expected: float
) -> None:
    assert batch_wait_s(1000, interactive, arrivals, 100, 0.2) == pytest.approx(expected)


def test_an_unknown_rate_expects_no_wait() -> None:
    assert interactive_wait_s(1000, None, 0.1, batch_waits=True) == 0
    assert batch_wait_s(1000, 1000, 10, None, 0.1) == 0


@given(ahead=AMOUNT, interactive=AMOUNT, arrivals=AMOUNT, rate=AMOUNT, share=st.floats(0, 0.99))
def test_an_expected_wait_is_always_a_number_that_a_person_can_read(
    ahead: float, interactive: float, arrivals: float, rate: float, share: float
) -> None:
    assert 0 <= batch_wait_s(ahead, interactive, arrivals, rate, share) <= MAX_WAIT_S
    assert 0 <= interactive_wait_s(ahead, rate, share, batch_waits=True) <= MAX_WAIT_S
