"""A judge with a plain rule, for tests of what follows from its verdicts."""

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout_status import Evidence
from pilotlight_canary.observation import Interval
from pilotlight_canary.statistics.verdict import Outcome, Verdict

ENOUGH = 2000
"""Requests at the canary."""


class PlainJudge:
    """Good after so many requests, worse above twice stable's errors, and not before a hundred."""

    def __init__(self, enough: int = ENOUGH) -> None:
        self.enough = enough

    def weigh(
        self, evidence: tuple[Evidence, ...], interval: Interval, analysis: Analysis, weight: int
    ) -> tuple[Evidence, ...]:
        known = {entry.check: entry for entry in evidence}
        counts = interval.counts["errors", ""]
        errors = known.get("errors", Evidence(check="errors"))
        after = errors.model_copy(
            update={
                "canary_bad": errors.canary_bad + counts.canary_bad,
                "canary_total": errors.canary_total + counts.canary_total,
                "stable_bad": errors.stable_bad + counts.stable_bad,
                "stable_total": errors.stable_total + counts.stable_total,
            }
        )
        share = 100 * counts.canary_total / max(1, counts.canary_total + counts.stable_total)
        split = known.get("sample-ratio", Evidence(check="sample-ratio"))
        if counts.canary_total + counts.stable_total and abs(share - weight) > 3:
            split = split.model_copy(update={"log_worse": split.log_worse + 10})
        return after, split

    def judge(self, evidence: tuple[Evidence, ...], analysis: Analysis) -> Verdict:
        known = {entry.check: entry for entry in evidence}
        errors = known.get("errors", Evidence(check="errors"))
        if (split := known.get("sample-ratio")) and split.log_worse > 5:
            return Verdict(Outcome.MIS_SPLIT, sentence="the traffic is not split as told")
        mine = errors.canary_bad / max(1, errors.canary_total)
        usual = errors.stable_bad / max(1, errors.stable_total)
        if errors.canary_total >= 100 and mine > 2 * usual + 0.01:
            return Verdict(Outcome.WORSE, "errors", sentence=f"errors: {mine:.1%} of the canary's")
        progress = min(1.0, errors.canary_total / self.enough)
        outcome = Outcome.GOOD if progress >= 1 else Outcome.CONTINUE
        return Verdict(outcome, "errors", sentence=f"{progress:.0%}", progress=progress)
