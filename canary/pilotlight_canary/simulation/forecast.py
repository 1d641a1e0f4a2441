"""What a rollout's own spec would do with a version that is so good or bad."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout import InferenceRollout
from pilotlight.errors import ManifestError
from pilotlight_canary.simulation.course import ours
from pilotlight_canary.simulation.figures import Figures, figures
from pilotlight_canary.simulation.scenario import Pace, Scenario, Trial
from pilotlight_canary.statistics.plan import plan_of

_MOST_LOOKS = 50_000


@dataclass(frozen=True)
class Shares:
    """Shares of bad of the two versions."""

    stable: float
    canary: float


@dataclass(frozen=True)
class Forecast:
    """What is to be expected; a look is as long as ``interval_s``."""

    figures: Figures
    scenario: Scenario
    interval_s: float
    runs: int

    def seconds(self, looks: float | None) -> float | None:
        """How long so many looks take."""
        return None if looks is None else looks * self.interval_s


def scenario_of(
    analysis: Analysis, errors: Shares, others: Shares, own: Mapping[str, Shares], rate: float
) -> Scenario:
    """The scenario of a spec.

    Args:
        analysis: Of the spec.
        errors: Of the check ``errors``.
        others: Of all other checks.
        own: Of single checks, by name.
        rate: Requests per second to both versions together.
    """
    plan = plan_of(analysis)
    interval = analysis.interval.total_seconds()
    patience = max(1, round(analysis.max_duration.total_seconds() / interval))
    shares = {check.name: own.get(check.name, others) for check in plan.checks}
    if "errors" in shares:
        shares["errors"] = own.get("errors", errors)
    return Scenario(
        trials=tuple(
            Trial(check, shares[check.name].stable, shares[check.name].canary)
            for check in plan.checks
        ),
        per_look=rate * interval,
        looks=min(_MOST_LOOKS, patience * len(analysis.weights)),
        weights=analysis.weights,
        pace=Pace.EVIDENCE,
        patience=patience,
        false_rollback=plan.false_rollback,
        missed_regression=plan.missed_regression,
    )


def forecast(analysis: Analysis, scenario: Scenario, runs: int, seed: int) -> Forecast:
    """Simulate so many rollouts."""
    ends = ours(scenario, runs, seed, to_the_end=False)
    return Forecast(
        figures(ends, to_the_end=False), scenario, analysis.interval.total_seconds(), runs
    )


def read_analysis(file: Path | None) -> Analysis:
    """The analysis of the InferenceRollout in a file; without one, the defaults.

    Raises:
        ManifestError: There is none, or it cannot be used.
    """
    if file is None:
        return Analysis()
    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ManifestError(f"{file} cannot be read: {error}") from error
    for document in documents:
        if isinstance(document, dict) and document.get("kind") == "InferenceRollout":
            try:
                return InferenceRollout.model_validate(document).spec.analysis
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise ManifestError(f"{file}: {where}: {first['msg']}") from error
    raise ManifestError(f"{file} holds no InferenceRollout")
