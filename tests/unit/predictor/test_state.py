"""The state machine."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.state import TRANSITIONS, IllegalTransition, Lifecycle, State


def test_a_predictor_goes_from_loading_to_stopped() -> None:
    seen: list[State] = []
    lifecycle = Lifecycle()
    lifecycle.on_change(seen.append)
    for state in (State.WARMING, State.READY, State.DRAINING, State.STOPPED):
        lifecycle.move(state, f"now {state}")
        assert lifecycle.reason == f"now {state}"
    assert seen == [State.LOADING, State.WARMING, State.READY, State.DRAINING, State.STOPPED]


@given(st.lists(st.sampled_from(State)))
def test_no_way_leads_past_the_table(moves: list[State]) -> None:
    lifecycle = Lifecycle()
    for to in moves:
        before = lifecycle.state
        allowed = to in TRANSITIONS[before]
        assert lifecycle.move_if_possible(to, "") is allowed
        assert lifecycle.state is (to if allowed else before)


@pytest.mark.parametrize(
    ("start", "to"),
    [
        pair
        for pair in itertools.product(State, State)
        if pair[1] is State.READY and pair[0] is not State.WARMING
    ],
)
def test_only_a_warm_predictor_becomes_ready(start: State, to: State) -> None:
    assert to not in TRANSITIONS[start]


def test_a_move_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(IllegalTransition, match="from loading there is no way to ready"):
        Lifecycle().move(State.READY, "too early")
