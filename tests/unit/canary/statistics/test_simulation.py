"""Small simulations; ``pilotlight bench run canary`` makes the large ones."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta
from typer import Typer
from typer.testing import CliRunner

from pilotlight.errors import PilotlightError
from pilotlight_canary.simulation import studies
from pilotlight_canary.simulation.command import simulate
from pilotlight_canary.simulation.course import fixed_horizon, ours
from pilotlight_canary.simulation.figures import figures, upper_bound
from pilotlight_canary.simulation.scenario import Scenario
from pilotlight_canary.simulation.studies import STUDIES, errors

app = Typer()
app.command()(simulate)


def scenario(name: str) -> Scenario:
    return next(study.scenario for study in STUDIES if study.name == name)


def share_taken_back(of: Scenario, runs: int = 400) -> float:
    return float(np.isfinite(ours(of, runs, 1, to_the_end=True).worse).mean())


@pytest.mark.parametrize("name", ["null-errors", "null-climb", "null-wave", "null-prompts"])
def test_a_version_at_the_boundary_is_seldom_taken_back(name: str) -> None:
    # With a rate of 1 % there would be more than 10 of 400 in one of 300 such tests.
    assert share_taken_back(replace(scenario(name), looks=300)) <= 0.025


def test_a_pooled_test_that_is_peeked_at_takes_nearly_all_back_while_weights_rise() -> None:
    climbing = fixed_horizon(scenario("null-climb"), 100, 1)
    assert np.isfinite(climbing.worse).mean() > 0.9


def test_longer_prompts_are_not_blamed_on_the_canary_that_gets_them() -> None:
    assert share_taken_back(scenario("good-prompts"), 100) <= 0.02
    assert share_taken_back(scenario("good-prompts-pooled"), 100) > 0.9


def test_bursts_are_taken_for_what_they_are() -> None:
    bursty = replace(scenario("bursts-good"), looks=300)
    assert share_taken_back(replace(bursty, history=0), 60) > 0.1
    assert share_taken_back(bursty, 60) <= 0.05


def test_a_bad_version_is_found_and_a_good_one_promoted_soon() -> None:
    bad = figures(ours(scenario("detect-errors"), 300, 1, to_the_end=False), to_the_end=False)
    assert bad.within_horizon >= 0.95
    assert bad.detect_median is not None
    assert bad.detect_median <= 1700
    slow = figures(ours(scenario("detect-ttft"), 300, 1, to_the_end=False), to_the_end=False)
    assert slow.within_horizon >= 0.95
    assert slow.detect_median is not None
    assert slow.detect_median <= 3300
    good = figures(ours(scenario("promote-errors"), 300, 1, to_the_end=False), to_the_end=False)
    assert good.promote_median is not None
    assert good.promote_median <= 3500


def test_a_service_without_errors_promotes_its_canary() -> None:
    ends = ours(Scenario((errors(0.0, 0.0),)), 5, 1, to_the_end=False)
    assert ends.promoted.all()


def test_the_same_seed_gives_the_same_figures() -> None:
    def row(seed: int) -> dict[str, object]:
        return {**studies.run("detect-errors", 20, seed)[0], "seconds": 0}

    assert row(3) == row(3)
    assert row(3) != row(4)


@pytest.mark.parametrize(("hits", "runs"), [(0, 50), (3, 5000), (60, 5000), (5, 5)])
def test_the_upper_bound_is_clopper_and_pearsons(hits: int, runs: int) -> None:
    exact = 1.0 if hits == runs else beta.ppf(0.95, hits + 1, runs - hits)
    assert upper_bound(hits, runs) == pytest.approx(exact, rel=1e-6)


def test_people_are_told_what_their_spec_needs(tmp_path: Path) -> None:
    file = tmp_path / "rollout.yaml"
    file.write_text(
        """
apiVersion: pilotlight.dev/v1alpha1
kind: InferenceRollout
metadata: {name: chat}
spec:
  targetRef: {name: chat}
  analysis:
    stepWeights: [20, 50]
    metrics: [{name: errors, maxRatio: 2}]
"""
    )
    given = [str(file), "--requests-per-second", "40", "--runs", "40"]
    bad = CliRunner().invoke(app, [*given, "--canary-error", "0.06", "--json"])
    found = json.loads(bad.stdout)
    assert (found["rolled_back"], found["promoted"]) == (1.0, 0.0)
    assert found["checks"][0]["check"]["rho"] == 2
    assert 0 < found["detect_seconds_median"] < 600
    good = CliRunner().invoke(app, given)
    assert "promoted    " in good.stdout
    assert "steps of 20, 50 %" in good.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--study", "none"], "there is no study"),
        (["--check", "errors"], "NAME=STABLE:CANARY"),
        (["--check", "errors=1:2"], "between 0 and 1"),
        (["--check", "speed=0.1:0.2"], "the checks are errors, ttft"),
        (["/dev/null"], "holds no InferenceRollout"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_words(arguments: list[str], message: str) -> None:
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, PilotlightError)
    assert message in str(refused.exception)
