"""One hazard out of many experts."""

import json
from pathlib import Path

import numpy as np
import pytest

from pilotlight.errors import UsageError
from pilotlight_autoscaler.forecast.ages import edges_s
from pilotlight_autoscaler.forecast.blend import from_json, learn_blend, read, shipped, to_json
from pilotlight_autoscaler.forecast.bursts import expected_bursts
from pilotlight_autoscaler.forecast.experts import EXPERTS, PAUSE_EXPERTS
from pilotlight_autoscaler.forecast.history import history
from tests.unit.autoscaler.forecast.worlds import (
    DAY_S,
    HOUR_S,
    MONDAY_S,
    demand_of,
    history_of,
    office_days,
)


def test_the_shipped_blend_has_a_weight_for_every_expert_and_comes_back_from_json() -> None:
    blend = shipped()
    assert len(blend.weights) == 2 * len(EXPERTS) + 3
    assert len(blend.pauses) == len(PAUSE_EXPERTS) + 2
    assert to_json(from_json(to_json(blend))) == to_json(blend)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"weights": {}, "pauses": {}}'])
def test_a_file_that_is_no_blend_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "blend.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no blend"):
        read(path)


def test_a_blend_of_other_experts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blend.json"
    document = json.loads(to_json(shipped()))
    document["weights"].popitem()
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="other experts"):
        read(path)


@pytest.mark.parametrize("lately", [0.0, 1e6, float("nan")])
def test_rates_are_numbers_whatever_is_known(lately: float) -> None:
    for demand in (demand_of(np.zeros(10)), demand_of(np.ones(1440)), office_days(3)):
        known = history(demand, 60.0)
        for at_s in (0.0, MONDAY_S, MONDAY_S + 3 * DAY_S, 4e9):
            rates = shipped().rates(known, np.array([at_s]), np.array([lately]))
            assert np.isfinite(rates).all()
            assert (rates > 0).all()


def test_an_idle_time_by_night_ends_in_the_morning() -> None:
    closed = MONDAY_S + 12 * DAY_S + 17 * HOUR_S
    known = history(office_days(13), 60.0)
    rates = shipped().rates(known, np.array([closed]), np.array([5.0]))[0]
    ages = edges_s(np.array([closed]))[0]
    opening = int(np.searchsorted(ages, 16 * HOUR_S, side="right")) - 1
    midnight = int(np.searchsorted(ages, 7 * HOUR_S))
    assert rates[opening] > 20 * rates[midnight]


def test_what_is_learnt_is_likelier_than_what_it_was_learnt_from() -> None:
    # Steady traffic of 2 an hour: the rate is the same at every age and hour.
    random = np.random.default_rng(5)
    known = [
        history(demand_of(random.poisson(2 / 60, 7 * 1440).astype(np.float64)), 60.0)
        for _ in range(4)
    ]
    blend = learn_blend(known, MONDAY_S + DAY_S, penalty=1.0)
    rates = blend.rates(known[0], np.array([MONDAY_S + 6 * DAY_S]), np.array([0.3]))[0]
    first_two_hours = rates[1:25]
    assert first_two_hours.mean() == pytest.approx(2.0, rel=0.3)


def test_what_came_later_changes_no_rate() -> None:
    past = office_days(9)
    later = history_of(range(0, 2 * 1440, 7), 2)
    both = demand_of(np.concatenate([past.arrivals, later.arrivals]))
    at_s = np.array([MONDAY_S + 8 * DAY_S + 17 * HOUR_S])
    rates = [
        shipped().rates(history(demand, 60.0), at_s, np.array([5.0])) for demand in (past, both)
    ]
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-9)


def test_large_bursts_are_expected_where_they_were() -> None:
    arrivals = np.zeros(10 * 1440)
    for day in range(10):
        arrivals[day * 1440 + 9 * 60] = 500.0
        arrivals[day * 1440 + 21 * 60] = 1.0
    gaps = history(demand_of(arrivals), 60.0).gaps
    evening = MONDAY_S + 10 * DAY_S - 3 * HOUR_S + 60
    morning = MONDAY_S + 10 * DAY_S + 9 * HOUR_S + 60
    after_evening, after_morning = expected_bursts(gaps, np.array([evening, morning]))
    assert after_evening > 250 > after_morning


def test_an_unknown_service_is_expected_to_wake_for_one() -> None:
    gaps = history(demand_of(np.zeros(10)), 60.0).gaps
    assert expected_bursts(gaps, np.array([MONDAY_S])).tolist() == [1.0]
