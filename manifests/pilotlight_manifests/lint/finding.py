"""What a rule found."""

from dataclasses import dataclass
from enum import StrEnum

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.field import Field


class Severity(StrEnum):
    """``error``: it will not work. ``warning``: it will hurt. ``info``: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the most severe."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """One thing that will hurt.

    Attributes:
        why: A sentence with the number.
        do: What mends it.
    """

    file: str
    line: int
    title: str
    rule: str
    severity: Severity
    why: str
    do: str

    def json(self) -> dict[str, object]:
        return {
            "file": self.file,
            "line": self.line,
            "object": self.title,
            "rule": self.rule,
            "severity": str(self.severity),
            "why": self.why,
            "do": self.do,
        }


@dataclass(frozen=True)
class Report:
    """Makes the findings of one rule about one object."""

    rule: str
    document: Document

    def error(self, place: Field, why: str, do: str) -> Finding:
        return self._finding(Severity.ERROR, place, why, do)

    def warning(self, place: Field, why: str, do: str) -> Finding:
        return self._finding(Severity.WARNING, place, why, do)

    def info(self, place: Field, why: str, do: str) -> Finding:
        return self._finding(Severity.INFO, place, why, do)

    def _finding(self, severity: Severity, place: Field, why: str, do: str) -> Finding:
        document = self.document
        return Finding(
            place.file or document.file, place.line, document.title, self.rule, severity, why, do
        )
