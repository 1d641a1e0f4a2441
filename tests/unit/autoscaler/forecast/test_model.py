"""What is learnt of a service: small, quick, and from the past only."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.forecast.guard import FIRST_WAKES, SLACK
from pilotlight_autoscaler.forecast.model import MOST_GAPS, from_json, learn, to_json, wakes_s
from tests.unit.autoscaler.forecast.worlds import (
    DAY_S,
    FAIR,
    HOUR_S,
    MONDAY_S,
    demand_of,
    history_of,
    office_days,
)


def sparse(days: int, per_hour: float, seed: int = 1) -> Demand:
    random = np.random.default_rng(seed)
    return demand_of(random.poisson(per_hour / 60.0, days * 1440).astype(np.float64))


def test_a_model_comes_back_from_json_as_it_was() -> None:
    model = learn(sparse(3, 2.0), FAIR, per_replica=4.0)
    again = from_json(to_json(model))
    assert to_json(again) == to_json(model)
    assert again.account == model.account
    assert again.per_replica == 4.0
    assert again.history.gaps.ended.dtype == np.bool_


@pytest.mark.parametrize("text", ["{}", "[]", '{"gaps": 1}', "no", json.dumps({"gaps": {}})])
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)


def test_a_model_of_a_restless_month_is_bounded_and_learnt_within_a_second() -> None:
    demand = sparse(30, 7.0)
    begin = time.process_time()
    model = learn(demand, FAIR)
    # Ten times what it takes on a quiet machine would still be a regression to look at.
    assert time.process_time() - begin < 10.0
    assert len(model.history.gaps.length_s) <= MOST_GAPS
    assert len(to_json(model)) < 400_000


def test_learning_from_nothing_is_a_model_too() -> None:
    model = learn(demand_of(np.zeros(0)), FAIR)
    assert model.known_days == 0.0
    assert to_json(from_json(to_json(model))) == to_json(model)


def test_the_account_replays_what_would_have_been_known_then() -> None:
    # The same first week, whatever follows: what was earned in it does not change.
    week = sparse(7, 2.0)
    calm = np.concatenate([week.arrivals, np.zeros(1440)])
    busy = np.concatenate([week.arrivals, np.ones(1440)])
    assert learn(demand_of(calm), FAIR).account.spent_s == pytest.approx(
        learn(demand_of(busy), FAIR).account.spent_s, abs=DAY_S
    )
    assert learn(week, FAIR).account.fallback_s > 0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 4 * 1440 - 1), min_size=1, max_size=80))
def test_whatever_came_the_replayed_account_keeps_its_bound(minutes: list[int]) -> None:
    account = learn(history_of(minutes, 4), FAIR).account
    wake_s = float(wakes_s(FAIR, np.ones(1))[0])
    assert account.spent_s <= (1 + SLACK) * account.fallback_s + FIRST_WAKES * wake_s + 1e-6


def test_a_regular_service_earns_against_the_break_even_keep_alive() -> None:
    # Every three hours, on the hour, for five minutes.
    minutes = [start + i for start in range(0, 14 * 1440, 180) for i in range(5)]
    account = learn(history_of(minutes, 14), FAIR).account
    assert account.spent_s < 0.7 * account.fallback_s


def test_people_who_wait_raise_the_price_of_a_wake() -> None:
    few, many = wakes_s(FAIR.__class__(2.0, 100.0, 60.0, per_request=10.0), np.array([1.0, 91.0]))
    assert few == pytest.approx(110.0 / 2 + 60)
    assert many == pytest.approx(1010.0 / 2 + 60)


def test_free_replicas_are_always_worth_keeping() -> None:
    assert np.isinf(wakes_s(FAIR.__class__(0.0, 1.0, 60.0), np.ones(1))).all()


def test_only_the_last_days_are_kept() -> None:
    model = learn(office_days(40), FAIR)
    assert model.known_days == pytest.approx(16.0)
    assert model.until_s == MONDAY_S + 40 * DAY_S
    assert (model.history.gaps.start_s > model.until_s - 16 * DAY_S - HOUR_S).all()


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -5.0])
def test_impossible_figures_are_no_record(nonsense: float) -> None:
    demand = office_days(5)
    arrivals = demand.arrivals.copy()
    arrivals[2000:3000] = nonsense
    spoilt = learn(replace(demand, arrivals=arrivals), FAIR)
    missing = learn(replace(demand, known=np.isfinite(arrivals) & (arrivals >= 0)), FAIR)
    assert to_json(spoilt) == to_json(missing)
    assert spoilt.known_days == pytest.approx(5.0 - 1000 / 1440)
