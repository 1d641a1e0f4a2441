"""What the evidence says: worse, good, neither yet, or that the traffic is not split as told."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log

import numpy as np

from pilotlight.api.rollout_status import Evidence
from pilotlight.request_metrics import INFINITY
from pilotlight_canary.statistics.evidence import SAMPLE_RATIO, WHOLE
from pilotlight_canary.statistics.floats import Floats, log_mean
from pilotlight_canary.statistics.plan import Check, Plan

# A step may be left with its share of the evidence; the last one only by a verdict.
_ALMOST = 0.99


class Outcome(StrEnum):
    """What the evidence is enough for."""

    CONTINUE = "continue"
    WORSE = "worse"
    GOOD = "good"
    MIS_SPLIT = "mis-split"


@dataclass(frozen=True)
class Verdict:
    """An outcome and its reason.

    Args:
        outcome: What to do about it is the policy's matter.
        check: That decided, or that promotion waits for most; ``sample-ratio`` for the split.
        stratum: The one to blame, where it stands out.
        sentence: The reason in words and numbers.
        progress: Share, 0 to 1, of the evidence for promotion that the slowest check has.
    """

    outcome: Outcome
    check: str = ""
    stratum: str = ""
    sentence: str = ""
    progress: float = 0.0


def log_against(worse: Floats) -> Floats:
    """Logarithm of the e-value that some check is worse, from the checks' on the last axis."""
    return log_mean(worse, np.full(worse.shape[-1], 1 / worse.shape[-1]))


def is_worse(worse: Floats, plan: Plan) -> Floats:
    """1 where the version is to be taken back, by the checks' logarithms on the last axis."""
    return np.asarray(log_against(worse) >= log(1 / plan.false_rollback), dtype=np.float64)


def progress(good: Floats, plan: Plan) -> Floats:
    """Share of the evidence for promotion, of the slowest of the checks on the last axis.

    Each check has to refute its own regression with the whole budget: whoever is promoted
    wrongly has passed the one check in which it is worse.
    """
    needed = log(1 / plan.missed_regression)
    return np.asarray(np.clip(np.min(good, axis=-1) / needed, 0.0, 1.0), dtype=np.float64)


def is_suspect(strata: Floats, plan: Plan) -> Floats:
    """1 where some stratum by itself speaks against the version; their logarithms on the last axis.

    Promotion weighs all strata together. It waits while one of them may be worse, which costs a
    good version little: by chance that lasts, or happens, seldom.
    """
    return np.asarray(np.max(strata, axis=-1) >= log(1 / plan.missed_regression), dtype=np.float64)


def verdict(evidence: tuple[Evidence, ...], plan: Plan) -> Verdict:
    """What the evidence says of a rollout, at any time and as often as one likes."""
    if not plan.checks:
        return Verdict(Outcome.CONTINUE, sentence="no check is configured: nothing can be judged")
    wholes = {entry.check: entry for entry in evidence if entry.stratum == WHOLE}
    checks = [wholes.get(check.name, Evidence(check=check.name)) for check in plan.checks]
    done = float(progress(np.array([entry.log_good for entry in checks]), plan))
    if is_worse(np.array([entry.log_worse for entry in checks]), plan):
        return _worse(checks, evidence, plan, done)
    split = wholes.get(SAMPLE_RATIO)
    if split is not None and plan.sample_ratio and split.log_worse >= log(1 / plan.false_rollback):
        return _mis_split(split, evidence, done)
    strata = [entry for entry in evidence if entry.stratum != WHOLE and plan.check(entry.check)]
    if done >= 1 and strata and is_suspect(np.array([e.log_worse for e in strata]), plan):
        return _suspect(max(strata, key=lambda entry: entry.log_worse), plan)
    return _waiting_or_good(checks, plan, done)


def _worse(
    checks: Sequence[Evidence], evidence: Sequence[Evidence], plan: Plan, done: float
) -> Verdict:
    blamed = max(checks, key=lambda entry: entry.log_worse)
    stratum = _stratum(blamed, evidence)
    seen = stratum or blamed
    rule = plan.check(blamed.check)
    where = _prompts(seen.stratum)
    needed = len(checks) / plan.false_rollback
    return Verdict(
        Outcome.WORSE,
        blamed.check,
        seen.stratum,
        f"{blamed.check}{where}: {_compared(seen)}, more than {_allowed(rule)}; e-value "
        f"{_number(blamed.log_worse)}, {needed:.4g} by one check of {len(checks)} is enough",
        done,
    )


def _mis_split(split: Evidence, evidence: Sequence[Evidence], done: float) -> Verdict:
    stratum = _stratum(split, evidence)
    seen = stratum or split
    where = _prompts(seen.stratum)
    total = seen.canary_total + seen.stable_total
    share = 100 * seen.canary_total / max(1, total)
    return Verdict(
        Outcome.MIS_SPLIT,
        SAMPLE_RATIO,
        seen.stratum,
        f"the traffic is not split as told: {seen.canary_total} of {total} requests{where} "
        f"({share:.3g} %) came to the canary; e-value {_number(split.log_worse)}",
        done,
    )


def _waiting_or_good(checks: Sequence[Evidence], plan: Plan, done: float) -> Verdict:
    slowest = min(checks, key=lambda entry: entry.log_good)
    rule = plan.check(slowest.check)
    shown = f"{_compared(slowest)}; e-value {_number(slowest.log_good)} that it is not more than"
    needed = f"{_allowed(rule)}, {1 / plan.missed_regression:.4g} needed"
    if done >= 1:
        return Verdict(
            Outcome.GOOD,
            slowest.check,
            sentence=f"no check is worse than allowed; slowest {slowest.check}: {shown} {needed}",
            progress=1.0,
        )
    return Verdict(
        Outcome.CONTINUE,
        slowest.check,
        sentence=f"{100 * done:.0f} % of the evidence; {slowest.check}: {shown} {needed}",
        progress=done,
    )


def _suspect(seen: Evidence, plan: Plan) -> Verdict:
    return Verdict(
        Outcome.CONTINUE,
        seen.check,
        seen.stratum,
        f"good over all, but {seen.check}{_prompts(seen.stratum)}: {_compared(seen)}; e-value "
        f"{_number(seen.log_worse)} that it is more than {_allowed(plan.check(seen.check))}",
        _ALMOST,
    )


def _stratum(whole: Evidence, evidence: Sequence[Evidence]) -> Evidence | None:
    """The stratum that says more by itself than the whole does."""
    own = [entry for entry in evidence if entry.check == whole.check and entry.stratum != WHOLE]
    loudest = max(own, key=lambda entry: entry.log_worse, default=None)
    if loudest is None or len(own) == 1 or loudest.log_worse <= whole.log_worse:
        return None
    return loudest


def _prompts(stratum: str) -> str:
    if stratum == WHOLE:
        return ""
    return " with the longest prompts" if stratum == INFINITY else f" in prompt bucket {stratum}"


def _compared(entry: Evidence) -> str:
    return (
        f"{entry.canary_bad} of {entry.canary_total} at the canary"
        f"{_percent(entry.canary_bad, entry.canary_total)} against {entry.stable_bad} of "
        f"{entry.stable_total} at stable{_percent(entry.stable_bad, entry.stable_total)}"
    )


def _percent(bad: int, total: int) -> str:
    return f" ({100 * bad / total:.3g} %)" if total else ""


def _allowed(rule: Check | None) -> str:
    if rule is None:
        return "allowed"
    return f"{rule.rho:g} times stable's or {100 * rule.tolerance:g} %"


def _number(value: float) -> str:
    if value >= log(1e6):
        return f"10^{value / log(10):.0f}"
    return f"{exp(value):,.0f}" if value >= log(100) else f"{exp(value):.3g}"
