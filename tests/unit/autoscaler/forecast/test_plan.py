"""The plan is the cheapest there is, for the hazard it is given."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_autoscaler.forecast.ages import SLEEP_S, SLOT_S, edges_s
from pilotlight_autoscaler.forecast.plan import NAP_S, Plan, keep_alive, plan, warm_steps

COLD_START_S = 60.0
STEPS = 6
rates_of = st.lists(st.floats(0.0, 30.0), min_size=STEPS, max_size=STEPS)
widths_of = st.lists(st.floats(0.0, 1200.0), min_size=STEPS, max_size=STEPS)


def expected_s(
    states: tuple[bool, ...], rates: list[float], widths: list[float], b: float
) -> float:
    """Mean cost of being warm in these steps: forward, state by state."""
    alive, cost, warm = 1.0, 0.0, True
    for state, rate, width in zip(states, rates, widths, strict=True):
        hours = rate * width / 3600.0
        ends = 1.0 - np.exp(-hours)
        spent = width * (ends / hours if hours > 1e-9 else 1.0)
        if state:
            cost += alive * (spent + (0.0 if warm else COLD_START_S))
        else:
            cost += alive * ends * b
        alive, warm = alive * (1.0 - ends), state
    # Beyond the last step it sleeps: the next request will wake it.
    return cost + alive * b


@settings(max_examples=60)
@given(rates_of, widths_of, st.floats(0.0, 5000.0))
def test_no_other_course_costs_less(rates: list[float], widths: list[float], b: float) -> None:
    edges = np.concatenate([[60.0], 60.0 + np.cumsum(widths)])
    states = warm_steps(np.array([rates]), edges[None, :], np.array([b]), COLD_START_S)[0]
    cost = expected_s(tuple(bool(s) for s in states), rates, widths, b)
    courses = product((True, False), repeat=STEPS)
    best = min(expected_s(course, rates, widths, b) for course in courses)
    assert cost == pytest.approx(best, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(("per_hour", "warm"), [(3.7, False), (4.3, True)])
def test_a_steady_service_is_kept_while_rate_times_wake_is_over_the_price(
    per_hour: float, warm: bool
) -> None:
    # Break-even: 4 requests per hour at 900 s a wake cost as much as the hour that is kept.
    edges = edges_s(np.array([0.0]))
    rates = np.full((1, edges.shape[1] - 1), per_hour)
    states = warm_steps(rates, edges, np.array([900.0]), COLD_START_S)[0]
    assert bool(states[:-30].all()) is warm
    assert bool(states[:-30].any()) is warm


def test_a_start_is_over_when_the_step_begins_that_it_is_for() -> None:
    edges = np.array([60.0, 300.0, 900.0, 1500.0])
    found = plan(np.array([False, False, True]), edges, COLD_START_S)
    assert found.warm_s == ((0.0, 60.0), (840.0, 1500.0))
    assert not found.ready_at(899.0)
    assert found.ready_at(900.0)


@pytest.mark.parametrize("again_s", [330.0, 300.0 + COLD_START_S + NAP_S])
def test_a_nap_is_not_worth_a_start(again_s: float) -> None:
    edges = np.array([60.0, 300.0, again_s, 900.0])
    found = plan(np.array([True, False, True]), edges, COLD_START_S)
    assert found.warm_s == ((0.0, 900.0),)


@given(st.floats(0.0, 2e9))
def test_steps_begin_and_end_where_slots_of_the_clock_do(at_s: float) -> None:
    edges = edges_s(np.array([at_s]))[0]
    assert (np.diff(edges) >= -1e-6).all()
    apart = (at_s + edges[3:]) % (SLOT_S / 2)
    assert np.minimum(apart, SLOT_S / 2 - apart).max() < 1e-3
    assert edges[2] >= SLEEP_S


def test_a_plan_tells_its_next_change() -> None:
    found = Plan(((0.0, 60.0), (600.0, 900.0)), 30.0)
    assert [found.next_change_s(age) for age in (0.0, 60.0, 700.0)] == [60.0, 600.0, 900.0]
    assert found.next_change_s(900.0) == float("inf")
    assert [keep_alive(60.0).warm_at(age) for age in (59.0, 60.0)] == [True, False]
