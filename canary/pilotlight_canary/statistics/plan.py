"""What the statistics need of a rollout's spec."""

from dataclasses import dataclass

from pilotlight.api.analysis import Analysis
from pilotlight.request_metrics import PROMPT_EDGES


@dataclass(frozen=True)
class Check:
    """A share of bad among all, and what is not yet worse.

    Args:
        name: As in the spec.
        rho: So many times stable's share is allowed.
        tolerance: A share that is allowed, however little stable has.
    """

    name: str
    rho: float
    tolerance: float


@dataclass(frozen=True)
class Plan:
    """What is judged, and how often the judgement may be wrong.

    Args:
        checks: Each is judged in each stratum.
        strata: How many strata a check may have.
        false_rollback: Bound of the chance that a version is taken back that is not worse.
        missed_regression: Bound of the chance that one is promoted that is worse in some check.
        sample_ratio: Whether the traffic is to be split at random as the weight says.
    """

    checks: tuple[Check, ...]
    strata: int = 1
    false_rollback: float = 0.01
    missed_regression: float = 0.05
    sample_ratio: bool = True

    def check(self, name: str) -> Check | None:
        """The check of this name."""
        return next((check for check in self.checks if check.name == name), None)


def plan_of(analysis: Analysis) -> Plan:
    """The plan that a spec asks for.

    Requests that a header or a session leads to a version are not split at random: then the
    sample ratio says nothing.
    """
    return Plan(
        checks=tuple(
            Check(metric.name, metric.max_ratio, metric.tolerance) for metric in analysis.checks
        ),
        strata=len(analysis.prompt_token_buckets or PROMPT_EDGES) + 1,
        false_rollback=analysis.budgets.false_rollback,
        missed_regression=analysis.budgets.missed_regression,
        sample_ratio=not analysis.match and analysis.session_affinity is None,
    )
