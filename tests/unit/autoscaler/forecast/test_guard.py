"""A wrong forecast cannot cost much: the bound holds whatever comes and whatever it says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_autoscaler.forecast.guard import (
    FIRST_WAKES,
    MOST_WAKES,
    SLACK,
    Account,
    allowed,
    cost_s,
    opened,
)
from pilotlight_autoscaler.forecast.plan import Plan, keep_alive

WAKE_S, START_S = 900.0, 60.0


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any: kept for some time, then started and left any number of times."""
    edges = sorted(draw(st.lists(st.floats(0.0, 40_000.0), min_size=1, max_size=9, unique=True)))
    spans = [(0.0, edges[0]), *zip(edges[1::2], edges[2::2], strict=False)]
    return Plan(tuple(spans), START_S)


gaps = st.tuples(plans(), st.floats(0.0, 50_000.0), st.booleans())


def fallback_s(idle_s: float, ended: bool, wake_s: float = WAKE_S) -> float:
    return cost_s(keep_alive(wake_s), wake_s, idle_s, ended)


@settings(max_examples=150)
@given(st.lists(gaps, max_size=30))
def test_no_history_costs_more_than_the_stated_factor_and_the_first_credit(
    course: list[tuple[Plan, float, bool]],
) -> None:
    account, spent, fallback = opened(WAKE_S), 0.0, 0.0
    for wanted, idle_s, ended in course:
        plan = allowed(wanted, account, WAKE_S)
        spent += cost_s(plan, WAKE_S, idle_s, ended)
        fallback += fallback_s(idle_s, ended)
        account = account.after(plan, WAKE_S, idle_s, ended)
        assert account.credit_s >= -1e-6
        assert spent <= (1 + SLACK) * fallback + FIRST_WAKES * WAKE_S + 1e-6
    assert account.spent_s == pytest.approx(spent)
    assert account.fallback_s == pytest.approx(fallback)


@settings(max_examples=100)
@given(st.floats(0.0, MOST_WAKES * WAKE_S), st.lists(gaps, min_size=1, max_size=20))
def test_after_any_run_of_luck_the_loss_is_bounded_anew(
    credit_s: float, course: list[tuple[Plan, float, bool]]
) -> None:
    account, spent, fallback = Account(credit_s), 0.0, 0.0
    for wanted, idle_s, ended in course:
        plan = allowed(wanted, account, WAKE_S)
        spent += cost_s(plan, WAKE_S, idle_s, ended)
        fallback += fallback_s(idle_s, ended)
        account = account.after(plan, WAKE_S, idle_s, ended)
        assert spent <= (1 + SLACK) * fallback + credit_s + 1e-6
        assert account.credit_s <= MOST_WAKES * WAKE_S


@settings(max_examples=100)
@given(st.lists(st.tuples(gaps, st.floats(10.0, 5000.0)), max_size=20))
def test_the_bound_holds_when_every_wake_has_a_price_of_its_own(
    course: list[tuple[tuple[Plan, float, bool], float]],
) -> None:
    account, spent, fallback = Account(0.0), 0.0, 0.0
    for (wanted, idle_s, ended), wake_s in course:
        plan = allowed(wanted, account, wake_s)
        spent += cost_s(plan, wake_s, idle_s, ended)
        fallback += fallback_s(idle_s, ended, wake_s)
        account = account.after(plan, wake_s, idle_s, ended)
        assert spent <= (1 + SLACK) * fallback + 1e-6


def test_an_adversary_ruins_an_unguarded_forecast_but_not_a_guarded_one() -> None:
    # Asleep when the request comes at once, warm all night when none does.
    course = [(Plan(((0.0, 0.0),), START_S), 30.0), (Plan(((0.0, 40_000.0),)), 40_000.0)] * 50
    account, guarded = opened(WAKE_S), 0.0
    for wanted, idle_s in course:
        plan = allowed(wanted, account, WAKE_S)
        guarded += cost_s(plan, WAKE_S, idle_s, True)
        account = account.after(plan, WAKE_S, idle_s, True)
    fallback = sum(fallback_s(idle_s, True) for _, idle_s in course)
    unguarded = sum(cost_s(wanted, WAKE_S, idle_s, True) for wanted, idle_s in course)
    assert unguarded > 10 * fallback
    assert guarded <= (1 + SLACK) * fallback + FIRST_WAKES * WAKE_S


@given(st.floats(0.0, 50_000.0))
def test_the_keep_alive_costs_at_most_twice_what_the_future_would_have_told(
    idle_s: float,
) -> None:
    # Who knows the gap keeps, or sleeps at once and pays the wake.
    assert fallback_s(idle_s, True) <= 2 * min(idle_s, WAKE_S) + 1e-6


@given(plans())
def test_with_credit_a_plan_is_followed_as_far_as_it_can_be_paid(plan: Plan) -> None:
    rich = allowed(plan, Account(1e9), WAKE_S)
    started = [span for span in plan.warm_s if span[0] == 0 or span[1] - span[0] > START_S]
    assert [span for span in rich.warm_s if span[1] > 0] == [s for s in started if s[1] > 0]


@given(plans(), st.floats(0.0, 899.0))
def test_without_credit_nothing_is_switched_off_before_the_break_even(
    plan: Plan, age_s: float
) -> None:
    assert allowed(plan, Account(0.0), WAKE_S).warm_at(age_s)
