"""What a rule is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.options import Options
from pilotlight_manifests.lint.workload import Workload


@dataclass(frozen=True)
class Context:
    """All that is linted together."""

    documents: Sequence[Document]
    workloads: Sequence[Workload]
    options: Options


class WorkloadRule(Protocol):
    """A rule about one workload."""

    @property
    def id(self) -> str: ...

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]: ...


class DocumentRule(Protocol):
    """A rule about one object, in the company of the others."""

    @property
    def id(self) -> str: ...

    def check(self, document: Document, context: Context, report: Report) -> Iterable[Finding]: ...
