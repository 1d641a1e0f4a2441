"""What people are told of a decision."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Kubernetes' two types of an Event."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class Announcement:
    """Something worth an Event, a line in the log and, where it is asked for, a message."""

    reason: str
    """In CamelCase, as Kubernetes' Events have it: ``Promoted``."""
    message: str
    severity: Severity = Severity.NORMAL
    notify: bool = False
    """Also to the chat that the user named: start, end, and what needs a person."""
