"""What the check has to say about one thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a finding matters, the worst last."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        id: Stable name, for scripts.
        level: ``ok``; ``info``: good to know; ``warning``: some of Pilotlight does not work, or
            works badly; ``error``: Pilotlight does not work on this cluster.
        title: What was looked at, in a few words.
        seen: What was there.
        why: Why it matters; empty if all is well.
        mend: Shell commands that mend it; empty if all is well.
    """

    id: str
    level: Level
    title: str
    seen: str
    why: str = ""
    mend: tuple[str, ...] = ()


def worst(findings: Sequence[Finding]) -> Level:
    """The level of the most serious finding."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)
