"""The evidence in a rollout's status, and how an interval moves it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pilotlight.api.rollout_status import Evidence
from pilotlight_canary.observation import Counts, Interval
from pilotlight_canary.statistics import process, split
from pilotlight_canary.statistics.bets import GOOD, WORSE
from pilotlight_canary.statistics.floats import Floats
from pilotlight_canary.statistics.plan import Check, Plan
from pilotlight_canary.statistics.ratio import Tables

SAMPLE_RATIO = "sample-ratio"
WHOLE = ""
_DIGITS = 6

Entries = Mapping[str, Evidence]
"""One check's, by stratum."""


def begin(plan: Plan, dispersions: Mapping[str, float]) -> tuple[Evidence, ...]:
    """The evidence before the first request.

    Args:
        plan: The checks.
        dispersions: By check (or ``sample-ratio``), from stable's history; 1 where none is known.
    """
    names = [check.name for check in plan.checks] + [SAMPLE_RATIO] * plan.sample_ratio
    return tuple(
        Evidence(check=name, dispersion=max(1.0, dispersions.get(name, 1.0))) for name in names
    )


def update(
    evidence: tuple[Evidence, ...], interval: Interval, plan: Plan, weight: int
) -> tuple[Evidence, ...]:
    """The evidence after one more interval; it takes as long after a day as after a minute.

    Args:
        evidence: So far; ``begin``'s, or nothing.
        interval: What the counters did.
        plan: The same over the whole rollout.
        weight: Percentage of the traffic that the canary was to get in all of the interval.
    """
    after: list[Evidence] = []
    for check in plan.checks:
        seen = _of(evidence, check.name)
        counts = {s: c for (name, s), c in interval.counts.items() if name == check.name}
        after += _checked(check, seen, counts, plan)
    if plan.sample_ratio:
        after += _split(_of(evidence, SAMPLE_RATIO), interval.arrivals, plan, weight)
    return tuple(after)


def _of(evidence: Iterable[Evidence], check: str) -> dict[str, Evidence]:
    return {entry.stratum: entry for entry in evidence if entry.check == check}


def _checked(
    check: Check, seen: Entries, counts: Mapping[str, Counts], plan: Plan
) -> list[Evidence]:
    strata = _strata(seen, counts)
    whole = seen.get(WHOLE, Evidence(check=check.name))
    if not strata:
        return [whole]
    rows = [seen.get(stratum, Evidence(check=check.name)) for stratum in strata]
    now = [counts.get(stratum, Counts(0, 0, 0, 0)) for stratum in strata]
    rule = process.Rule(np.array(check.rho), np.array(check.tolerance), np.array(whole.dispersion))
    state = process.advanced(_state(rows), _tables(now), rule)
    logs = process.evidence_of(state, rule, own_stakes(strata, plan))
    after = [
        _row(check.name, stratum, state, index).model_copy(
            update={
                "log_worse": _rounded(logs.worse[index]),
                "log_good": _rounded(logs.good[index]),
                "dispersion": whole.dispersion,
            }
        )
        for index, stratum in enumerate(strata)
    ]
    total = {
        "log_worse": _rounded(float(logs.whole_worse)),
        "log_good": _rounded(float(logs.whole_good)),
    }
    if strata == [WHOLE]:
        return [after[0].model_copy(update=total)]
    return [_sum(after, whole).model_copy(update=total), *after]


def _split(
    seen: Entries, arrivals: Mapping[str, tuple[int, int]], plan: Plan, weight: int
) -> list[Evidence]:
    counts = {s: Counts(0, canary, 0, stable) for s, (canary, stable) in arrivals.items()}
    strata = _strata(seen, counts)
    whole = seen.get(WHOLE, Evidence(check=SAMPLE_RATIO))
    if not strata:
        return [whole]
    rows = [seen.get(stratum, Evidence(check=SAMPLE_RATIO)) for stratum in strata]
    now = _tables([counts.get(stratum, Counts(0, 0, 0, 0)) for stratum in strata])
    before = np.array([_gains(row.worse, row.log_worse, split.BETS) for row in rows])
    state = split.advanced(before, now.canary_total, now.stable_total, weight)
    each, total = split.evidence_of(state, own_stakes(strata, plan), whole.dispersion)
    after = [
        Evidence(
            check=SAMPLE_RATIO,
            stratum=stratum,
            canary_total=rows[index].canary_total + int(now.canary_total[index]),
            stable_total=rows[index].stable_total + int(now.stable_total[index]),
            worse=tuple(_rounded(log) for log in state[index]),
            log_worse=_rounded(each[index]),
            dispersion=whole.dispersion,
        )
        for index, stratum in enumerate(strata)
    ]
    result = {"log_worse": _rounded(float(total))}
    if strata == [WHOLE]:
        return [after[0].model_copy(update=result)]
    return [_sum(after, whole).model_copy(update=result), *after]


def _strata(seen: Entries, counts: Mapping[str, Counts]) -> list[str]:
    """In the order in which they were first seen; the whole is one only where there is no other."""
    known = [stratum for stratum in (*seen, *sorted(set(counts) - set(seen))) if stratum]
    return known or ([WHOLE] if WHOLE in counts or WHOLE in seen else [])


def own_stakes(strata: Sequence[str], plan: Plan) -> Floats:
    """The stake on each stratum by itself.

    It is fixed before the first request: strata beyond those that the plan knows get none.
    """
    if list(strata) == [WHOLE]:
        return np.ones(1)
    return np.where(np.arange(len(strata)) < plan.strata, 1 / plan.strata, 0.0)


def _tables(counts: Sequence[Counts]) -> Tables:
    return Tables(
        canary_bad=np.array([c.canary_bad for c in counts], dtype=float),
        canary_total=np.array([c.canary_total for c in counts], dtype=float),
        stable_bad=np.array([c.stable_bad for c in counts], dtype=float),
        stable_total=np.array([c.stable_total for c in counts], dtype=float),
    )


def _state(rows: Sequence[Evidence]) -> process.State:
    return process.State(
        sums=_tables(
            [Counts(r.canary_bad, r.canary_total, r.stable_bad, r.stable_total) for r in rows]
        ),
        worse=np.array([_gains(row.worse, row.log_worse, len(WORSE.weights)) for row in rows]),
        good=np.array([_gains(row.good, row.log_good, len(GOOD.weights)) for row in rows]),
    )


def _gains(stored: tuple[float, ...], total: float, count: int) -> tuple[float, ...]:
    """Each bet's gain; what another version of this program has gained by other bets is shared."""
    return stored if len(stored) == count else (total,) * count


def _row(check: str, stratum: str, state: process.State, index: int) -> Evidence:
    return Evidence(
        check=check,
        stratum=stratum,
        canary_bad=int(state.sums.canary_bad[index]),
        canary_total=int(state.sums.canary_total[index]),
        stable_bad=int(state.sums.stable_bad[index]),
        stable_total=int(state.sums.stable_total[index]),
        worse=tuple(_rounded(log) for log in state.worse[index]),
        good=tuple(_rounded(log) for log in state.good[index]),
    )


def _sum(rows: Sequence[Evidence], whole: Evidence) -> Evidence:
    return Evidence(
        check=whole.check,
        canary_bad=sum(row.canary_bad for row in rows),
        canary_total=sum(row.canary_total for row in rows),
        stable_bad=sum(row.stable_bad for row in rows),
        stable_total=sum(row.stable_total for row in rows),
        dispersion=whole.dispersion,
    )


def _rounded(log: float) -> float:
    # It lives in a Kubernetes object, as text.
    return round(log, _DIGITS)
