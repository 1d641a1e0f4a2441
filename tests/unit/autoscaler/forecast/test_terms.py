"""What the forecast asks for, and why, at the moments that matter."""

from dataclasses import replace

import numpy as np
import pytest

from pilotlight.api.warmpool import Reason, Term
from pilotlight_autoscaler.demand import Demand, Recent
from pilotlight_autoscaler.economics import Economics
from pilotlight_autoscaler.forecast.model import learn
from pilotlight_autoscaler.forecast.terms import terms
from tests.unit.autoscaler.forecast.worlds import (
    DAY_S,
    FAIR,
    HOUR_S,
    MINUTE_S,
    MONDAY_S,
    demand_of,
    history_of,
    office_days,
)

DEAR = replace(FAIR, wake=3600.0)


def first(found: tuple[Term, ...]) -> Term:
    return found[0]


def at(demand: Demand, since_s: float, now_s: float, economics: Economics = FAIR) -> Term:
    recent = Recent(idle_since_s=since_s, lately=5.0)
    return first(terms(learn(demand, economics), recent, economics, now_s))


def test_a_daily_peak_is_met_warm_and_the_night_is_slept_through() -> None:
    closed = MONDAY_S + 12 * DAY_S + 17 * HOUR_S
    demand = office_days(13)
    night = at(demand, closed, closed + 6 * HOUR_S, DEAR)
    assert night.replicas == 0
    # 9 o'clock is 16 h later; a start takes a minute.
    ahead = at(demand, closed, closed + 16 * HOUR_S - 1.0, DEAR)
    assert ahead.replicas == 1
    assert ahead.reason is Reason.FORECAST
    assert "warm until" in ahead.message


def test_an_hourly_job_is_met_warm() -> None:
    minutes = [hour * 60 + i for hour in range(10 * 24) for i in range(5)]
    demand = history_of(minutes, 10)
    since = MONDAY_S + 10 * DAY_S - 55 * MINUTE_S
    asked = [at(demand, since, since + age * MINUTE_S).replicas for age in (20, 30, 54.5)]
    assert asked == [0, 0, 1]


def test_soon_after_a_request_of_many_it_stays() -> None:
    # A request every four minutes by day: the next is near.
    minutes = [m for day in range(10) for m in range(day * 1440 + 480, day * 1440 + 1200, 6)]
    since = MONDAY_S + 9 * DAY_S + 10 * HOUR_S
    demand = history_of([m for m in minutes if m * 60 <= since - MONDAY_S], 9 + 11 / 24)
    term = at(demand, since, since + 4 * MINUTE_S)
    assert term.replicas == 1
    assert term.reason is Reason.IDLE_HISTOGRAM


def test_a_request_in_flight_needs_its_replica() -> None:
    found = first(terms(None, Recent(concurrency=0.3), FAIR, MONDAY_S))
    assert found.replicas == 1
    assert "in flight" in found.message


@pytest.mark.parametrize(("age_s", "replicas"), [(959.0, 1), (961.0, 0)])
def test_without_history_it_is_kept_to_the_break_even_age(age_s: float, replicas: int) -> None:
    # 900 s for the wake and 60 s for the start.
    found = terms(None, Recent(idle_since_s=MONDAY_S), FAIR, MONDAY_S + age_s)
    assert [term.replicas for term in found] == [replicas]
    assert "there is no history" in found[0].message


@pytest.mark.parametrize(
    ("demand", "late_s", "why"),
    [
        (office_days(13), 2 * DAY_S, "ended"),
        (office_days(13), -3 * DAY_S, "future"),
        (history_of(range(0, 1200, 40), 0.9), 0.0, "days short"),
        (demand_of(np.zeros(5 * 1440)), 0.0, "slept and woke 0 times"),
        (office_days(13), float("nan"), "no number"),
    ],
)
def test_a_history_that_is_short_late_or_strange_is_not_believed(
    demand: Demand, late_s: float, why: str
) -> None:
    now = demand.end_s + late_s
    found = terms(learn(demand, FAIR), Recent(idle_since_s=now - 600.0), FAIR, now)
    assert why in found[0].message
    assert len(found) == 1
    assert all(term.reason is Reason.IDLE_HISTOGRAM for term in found)


def test_who_never_had_a_request_is_not_kept() -> None:
    assert first(terms(None, Recent(), FAIR, MONDAY_S)).replicas == 0


def test_more_replicas_are_asked_for_ahead_of_a_daily_peak_of_many() -> None:
    minutes = np.zeros(13 * 1440)
    for day in range(13):
        minutes[day * 1440 + 540 : day * 1440 + 600] = 60.0
    demand = Demand(MONDAY_S, 60.0, minutes, minutes / 60 * 7.5, np.ones(13 * 1440, dtype=bool))
    model = learn(demand, DEAR, per_replica=2.0)
    opening = MONDAY_S + 13 * DAY_S + 9 * HOUR_S
    recent = Recent(idle_since_s=opening - 23 * HOUR_S)
    ahead = terms(model, recent, DEAR, opening - 30.0)
    before = terms(model, recent, DEAR, opening - 3 * HOUR_S)
    # 7.5 in flight at 2 each are 4; nothing runs now, so days are halved at most.
    assert max(term.replicas for term in ahead) == 4
    assert max(term.replicas for term in before) == 0
    assert any("days needed at most" in term.message for term in ahead)


def test_one_day_in_seven_is_not_a_reason_to_keep_many() -> None:
    minutes = np.zeros(13 * 1440)
    minutes[6 * 1440 + 540 : 6 * 1440 + 600] = 8.0
    minutes[::180] = 1.0
    demand = Demand(MONDAY_S, 60.0, minutes, minutes, np.ones(13 * 1440, dtype=bool))
    model = learn(demand, FAIR)
    opening = MONDAY_S + 13 * DAY_S + 9 * HOUR_S
    found = terms(model, Recent(idle_since_s=opening - HOUR_S), FAIR, opening)
    assert max(term.replicas for term in found) <= 1


def test_the_same_question_has_the_same_answer_and_the_floor_does_not_flap() -> None:
    demand = office_days(13)
    model, closed = learn(demand, DEAR), MONDAY_S + 12 * DAY_S + 17 * HOUR_S
    recent = Recent(idle_since_s=closed)
    asked = [
        first(terms(model, recent, DEAR, closed + minute * MINUTE_S)).replicas
        for minute in range(0, 16 * 60, 5)
    ]
    changes = int(np.abs(np.diff(asked)).sum())
    assert changes <= 4


def test_a_replica_that_costs_nothing_is_kept() -> None:
    demand = office_days(13)
    assert at(demand, demand.end_s - DAY_S, demand.end_s, replace(FAIR, keep_per_s=0.0)).replicas


def test_only_an_answer_that_the_guard_changed_says_so() -> None:
    demand = office_days(13)
    closed = MONDAY_S + 12 * DAY_S + 17 * HOUR_S
    model = learn(demand, DEAR)
    poor = replace(model, account=replace(model.account, credit_s=0.0))
    recent, soon = Recent(idle_since_s=closed, lately=5.0), closed + 1200.0
    rich_term, poor_term = (first(terms(each, recent, DEAR, soon)) for each in (model, poor))
    assert (rich_term.replicas, poor_term.replicas) == (0, 1)
    assert "bounded" in poor_term.message
    assert "bounded" not in rich_term.message
