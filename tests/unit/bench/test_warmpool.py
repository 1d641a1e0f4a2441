"""From studies of policies to ratios at equal idle hours."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_bench.warmpool import bill, bootstrap, figures
from pilotlight_bench.warmpool.comparison import Point, compare
from pilotlight_bench.warmpool.frontier import AFFECTED, IDLE, WAKES, Frontier, hull
from pilotlight_bench.warmpool.study import Study, parse

coordinates = st.floats(0, 1000).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=15))
def test_no_mix_of_settings_is_better_than_the_hull(points: list[tuple[float, float]]) -> None:
    idle, figure = np.array(points).T
    rows = list(hull(idle, figure))
    assert (np.diff(idle[rows]) > 0).all()
    assert (np.diff(figure[rows]) < 0).all()
    for one in points:
        for other in points:
            x, y = (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
            assert y >= np.interp(x, idle[rows], figure[rows]) - 1e-6


def table(*rows: tuple[float, float, float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(rows, dtype=np.float64)


LEARNING = table((10, 100, 50), (20, 40, 30), (40, 20, 20))


def test_a_mix_is_chosen_for_its_idle_hours_in_the_learning_week() -> None:
    frontier = Frontier.of(LEARNING, LEARNING * 2, WAKES)
    mix = frontier.chosen(30.0)
    assert mix.of(LEARNING).tolist() == [30.0, 30.0, 25.0]
    assert mix.of(frontier.scoring).tolist() == [60.0, 60.0, 50.0]
    assert frontier.chosen(5.0).of(LEARNING)[IDLE] == 10.0
    assert frontier.chosen(500.0).of(LEARNING)[IDLE] == 40.0


def test_held_to_hours_of_the_scored_week_a_policy_gives_its_best() -> None:
    scoring = table((10, 100, 50), (30, 60, 30), (25, 20, 20))
    frontier = Frontier.of(LEARNING, scoring, WAKES)
    assert frontier.held(20.0, WAKES, by=WAKES) == 80.0
    # Its third setting turned out to be better in both.
    assert frontier.held(26.0, WAKES, by=WAKES) == 20.0
    assert frontier.held(9.0, WAKES, by=WAKES) == np.inf


def study(ours: float = 0.5, services: int = 3, trace: str = "a") -> Study:
    """Ours wakes so many times as often as retention, which the third policy is far behind."""
    minutes = [5.0, 15.0, 60.0, 240.0]
    idle = np.outer([100.0, 300.0, 900.0, 3000.0], 1 + np.arange(services)) * 36
    wakes = np.outer([80.0, 40.0, 15.0, 5.0], 1 + np.arange(services))

    def week(size: float) -> dict[str, Any]:
        woken = np.concatenate([ours * wakes, wakes, 3 * wakes])
        return {
            "idle_s": (size * np.concatenate([idle, idle, idle])).tolist(),
            "wakes": (size * woken).tolist(),
            "affected": (size * 10 * woken).tolist(),
        }

    settings = [{"minutes": minute} for minute in minutes]
    names = (("ours", True), ("retention", False), ("worse", False))
    families = [{"name": name, "ours": own, "settings": settings} for name, own in names]
    document = {
        "trace": trace,
        "services": [f"s{index}" for index in range(services)],
        "others": {"busy": 1.0},
        "hole_hours": 2.0,
        "families": families,
        "weeks": [week(1.0), week(2.0)],
        "clairvoyant_s": [3600.0, 7200.0],
    }
    return parse(json.dumps(document))


def test_ours_is_compared_with_the_best_of_the_others_at_both_points() -> None:
    points = compare(study(ours=0.5))
    assert [point.minutes for point in points] == [15.0, 60.0]
    for point in points:
        for ratios in (
            point.ratios(),
            point.ratios_as_fallen(),
            point.ratios_at_retention(),
        ):
            assert ratios == pytest.approx({"wakes": 0.5, "affected": 0.5})


def test_hours_that_ours_used_beyond_those_meant_are_given_to_the_others() -> None:
    plain = study(ours=1.0)
    more = plain.scoring.idle_s.copy()
    # In the scored week ours needs as many hours at 15 min as the others do at 60 min.
    more[1] = more[6]
    spent = replace(plain, scoring=replace(plain.scoring, idle_s=more))
    point = compare(spent)[0]
    assert point.ratios()["wakes"] == pytest.approx(40 / 15)
    assert point.ratios_as_fallen()["wakes"] == pytest.approx(1.0)


def test_peers_of_our_own_making_count_in_the_headline_and_can_be_told_apart() -> None:
    whole = study(ours=0.5)
    named = tuple(
        replace(family, name="keep-alive-learnt") if family.name == "worse" else family
        for family in whole.families
    )
    better = whole.scoring.wakes.copy()
    better[8:] /= 6
    made = replace(whole, families=named, scoring=replace(whole.scoring, wakes=better))
    for point in compare(made):
        assert point.ratios()["wakes"] == pytest.approx(1.0)
        assert point.ratios_to_known()["wakes"] == pytest.approx(0.5)


def test_the_headline_holds_means_over_traces_and_points_and_the_worst() -> None:
    traces = [figures.Trace(s, compare(s)) for s in (study(0.5, trace="a"), study(2.0, trace="b"))]
    found = figures.headline(traces, {"wakes": (0.4, 0.9)})
    assert found["wakes_ratio"] == pytest.approx(1.0)
    assert found["worst_ratio"] == pytest.approx(2.0)
    assert (found["wakes_ratio_low95"], found["wakes_ratio_high95"]) == (0.4, 0.9)
    assert found["affected_ratio_high95"] is None


def test_without_a_policy_of_ours_nothing_is_claimed() -> None:
    whole = study()
    theirs = replace(whole, families=whole.families[1:])
    found = figures.headline([figures.Trace(theirs, compare(theirs))], {})
    assert set(found.values()) == {None}


def test_services_that_are_all_alike_leave_no_doubt() -> None:
    found = bootstrap.intervals([study(0.5), study(0.5, services=5)], rounds=10, seed=1)
    assert found["wakes"] == pytest.approx((0.5, 0.5))


def test_a_service_of_its_own_kind_widens_the_interval() -> None:
    whole = study(0.5)
    odd = whole.scoring.wakes.copy()
    odd[:4, 2] *= 4
    mixed = replace(whole, scoring=replace(whole.scoring, wakes=odd))
    low, high = bootstrap.intervals([mixed], rounds=100, seed=1)["wakes"]
    assert low < 0.6 < 1.5 < high


def test_the_cheapest_parameter_is_chosen_on_the_learning_week() -> None:
    lines = {line.policy: line for line in bill.cheapest(study(), wake_s=3600.0)}
    # Times 6 for the services: idle 100, 300, 900, 3000 hundredths of an hour; wakes 80 to 5.
    assert lines["retention"].parameters == {"minutes": 60.0}
    assert lines["retention"].cost_s(3600.0) == pytest.approx(2 * 6 * (900 * 36 + 15 * 3600))


def test_every_row_can_be_written_as_json_and_every_table_holds_its_columns() -> None:
    traces = [figures.Trace(study(), compare(study()))]
    assert {row["kind"] for row in figures.rows(traces)} == {"point", "ratios", "bill", "setting"}
    json.dumps(figures.rows(traces))
    titles = [table.title for table in figures.tables(traces)]
    assert len(titles) == 4
    assert figures.mean_of(traces, Point.ratios, "affected") == pytest.approx(0.5)
    assert AFFECTED == 2
