"""Loads of the simulator's benchmark, and its headline."""

import itertools
from pathlib import Path

import pytest

from pilotlight_bench.simulator.figures import headline
from pilotlight_bench.simulator.scenario import SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_has_its_length_and_its_gaps(tmp_path: Path, scenario: Scenario) -> None:
    file = tmp_path / "history.csv"
    scenario.write(file, 20_000, seed=0)
    times = [float(line.split(",")[0]) for line in file.read_text().splitlines()[1:]]
    assert len(times) == 20_000
    assert times == sorted(times)
    assert times[-1] == pytest.approx(scenario.days * 86400 / 50, rel=0.35)
    long = sum(later - earlier > 1200 for earlier, later in itertools.pairwise(times))
    assert (long > 3) == (scenario.busy < 1)


def row(way: str, seconds: float, hours: float, affected: int) -> dict[str, object]:
    return {
        "scenario": "day", "way": way, "requests": 500_000, "simulation_s": seconds,
        "replica_hours": hours, "affected": affected,
    }  # fmt: skip


def test_the_headline_is_the_slowest_run_and_the_greatest_error() -> None:
    found = headline([row("each request", 2.0, 100.0, 50), row("rates", 0.5, 98.0, 50)])
    assert found["seconds_per_million"] == 4.0
    assert found["shortcut_replica_error"] == pytest.approx(0.02)
    assert found["shortcut_affected_error"] == 0.0
