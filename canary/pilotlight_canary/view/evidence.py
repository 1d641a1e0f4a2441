"""The evidence as a table: how far each check is from promotion, and from being taken back."""

from rich.table import Table
from rich.text import Text

from pilotlight.api.rollout_status import Evidence
from pilotlight.terminal.numbers import share
from pilotlight_canary.timeline import SAMPLE_RATIO, CheckPlan
from pilotlight_canary.view.bar import Bar
from pilotlight_canary.view.seen import Seen

ALARMING = 0.25
"""From this part of the evidence for worse on, a stratum has a line of its own."""
MOST_STRATA = 3


def worse_part(evidence: Evidence, plan: CheckPlan | None) -> float:
    """How much of the evidence that takes a canary back there is, from 0 to 1."""
    return _part(evidence.log_worse, plan.worse if plan else 0.0)


def good_part(evidence: Evidence, plan: CheckPlan | None) -> float:
    """How much of the evidence that promotion needs there is, from 0 to 1."""
    return _part(evidence.log_good, plan.good if plan else 0.0)


def _part(log_e: float, threshold: float) -> float:
    return min(max(log_e / threshold, 0.0), 1.0) if threshold > 0 else 0.0


def evidence_table(seen: Seen) -> Table:
    """One line for each check, and for strata that look bad."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=True, header_style="dim")
    table.add_column("check", no_wrap=True)
    table.add_column("canary bad", no_wrap=True)
    table.add_column("stable bad", no_wrap=True)
    table.add_column("no worse", ratio=1, no_wrap=True)
    table.add_column("worse", ratio=1, no_wrap=True)
    for evidence in seen.status.evidence:
        if not evidence.stratum:
            _add(table, seen, evidence)
            for stratum in _alarming(seen, evidence.check):
                _add(table, seen, stratum)
    return table


def _alarming(seen: Seen, check: str) -> list[Evidence]:
    plan = seen.plans.get(check)
    strata = [e for e in seen.status.evidence if e.check == check and e.stratum]
    loud = [e for e in strata if worse_part(e, plan) >= ALARMING]
    return sorted(loud, key=lambda e: -e.log_worse)[:MOST_STRATA]


def _add(table: Table, seen: Seen, evidence: Evidence) -> None:
    plan = seen.plans.get(evidence.check)
    good, worse = good_part(evidence, plan), worse_part(evidence, plan)
    name = Text(evidence.check)
    if evidence.stratum:
        name = Text(f"  prompts ≤ {evidence.stratum}" if evidence.stratum.isdigit() else
                    f"  {evidence.stratum}", style="dim")  # fmt: skip
    table.add_row(
        name,
        Text(_canary(evidence), "red" if worse >= 1 else ""),
        "" if evidence.check == SAMPLE_RATIO else share(evidence.stable_bad, evidence.stable_total),
        _gauge(good, "green") if plan and plan.good else "",
        _gauge(worse, "red") if plan else "",
    )


def _canary(evidence: Evidence) -> str:
    if evidence.check == SAMPLE_RATIO:
        return share(evidence.canary_total, evidence.canary_total + evidence.stable_total)
    return share(evidence.canary_bad, evidence.canary_total)


def _gauge(part: float, style: str) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", width=5)
    number = f"{100 * part:.0f} %" if part < 1 else "✓" if style == "green" else "✗"
    grid.add_row(Bar(part, style), Text(number, f"bold {style}" if part >= 1 else ""))
    return grid
