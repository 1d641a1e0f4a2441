"""The port to the statistics: the policy says when to judge, and what follows from it."""

from typing import Protocol

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout_status import Evidence
from pilotlight_canary.observation import Interval
from pilotlight_canary.statistics.evidence import update
from pilotlight_canary.statistics.plan import plan_of
from pilotlight_canary.statistics.verdict import Verdict, verdict


class Judge(Protocol):
    """Weighs counts of the canary against stable's."""

    def weigh(
        self, evidence: tuple[Evidence, ...], interval: Interval, analysis: Analysis, weight: int
    ) -> tuple[Evidence, ...]:
        """The evidence with one more interval, in which the canary's share was ``weight`` %."""
        ...

    def judge(self, evidence: tuple[Evidence, ...], analysis: Analysis) -> Verdict:
        """What the evidence says by now."""
        ...


class Statistics:
    """The judge of ``pilotlight_canary.statistics``."""

    def weigh(
        self, evidence: tuple[Evidence, ...], interval: Interval, analysis: Analysis, weight: int
    ) -> tuple[Evidence, ...]:
        return update(evidence, interval, plan_of(analysis), weight)

    def judge(self, evidence: tuple[Evidence, ...], analysis: Analysis) -> Verdict:
        return verdict(evidence, plan_of(analysis))
