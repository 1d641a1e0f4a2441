"""What is told in conditions, and announced when it changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pilotlight.announcement import Announcement, Severity
from pilotlight.api.meta import Condition


@dataclass(frozen=True)
class Finding:
    """One condition's state as it is found now."""

    type: str
    holds: bool
    reason: str
    message: str
    tell: bool = True
    """Its change is worth an announcement."""

    @property
    def status(self) -> Literal["True", "False"]:
        return "True" if self.holds else "False"


def conditions(
    findings: Iterable[Finding], before: Iterable[Condition], now: datetime
) -> tuple[Condition, ...]:
    """Conditions in metav1's form; one that stays as it was keeps its time."""
    known = {condition.type: condition for condition in before}
    return tuple(_condition(finding, known.get(finding.type), now) for finding in findings)


def announcements(
    findings: Iterable[Finding], before: Iterable[Condition]
) -> tuple[Announcement, ...]:
    """What has turned bad, and what is good again."""
    known = {condition.type: condition.status for condition in before}
    return tuple(
        Announcement(
            finding.reason,
            finding.message,
            Severity.NORMAL if finding.holds else Severity.WARNING,
        )
        for finding in findings
        if finding.tell and known.get(finding.type, "True") != finding.status
    )


def _condition(finding: Finding, before: Condition | None, now: datetime) -> Condition:
    is_same = before is not None and before.status == finding.status
    return Condition(
        type=finding.type,
        status=finding.status,
        reason=finding.reason,
        message=finding.message,
        last_transition_time=before.last_transition_time if before and is_same else now,
        observed_generation=before.observed_generation if before else 0,
    )
