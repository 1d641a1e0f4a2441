"""Every rule over every document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pilotlight.errors import UsageError
from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.options import Options
from pilotlight_manifests.lint.reading import workloads
from pilotlight_manifests.lint.rules.catalogue import DOCUMENT_RULES, IDS, WORKLOAD_RULES
from pilotlight_manifests.lint.rules.rule import Context

OTHER_API = "LLMInferenceService"


@dataclass(frozen=True)
class Selection:
    """Which rules count: those selected (all, if none is), less those ignored."""

    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for rule in sorted(self.select | self.ignore):
            if rule not in IDS:
                raise UsageError(f"no rule is called {rule!r}; the rules are: {', '.join(IDS)}")

    def wants(self, rule: str) -> bool:
        return rule not in self.ignore and (not self.select or rule in self.select)


def lint(
    documents: Sequence[Document], options: Options, selection: Selection | None = None
) -> list[Finding]:
    """The findings, by file and line."""
    wanted = selection or Selection()
    silenced = {(d.file, *place) for d in documents for place in d.silenced}
    found = {
        finding
        for document, finding in _findings(documents, options)
        if wanted.wants(finding.rule)
        and not document.ignores(finding.rule)
        and (finding.file, finding.line, finding.rule) not in silenced
    }
    return sorted(found, key=lambda f: (f.file, f.line, f.severity.rank, f.rule, f.why))


def notes(documents: Sequence[Document]) -> Iterator[str]:
    """What is not looked at, and comments that name no rule."""
    other = [d for d in documents if d.kind == OTHER_API]
    if other:
        yield f"{len(other)} {OTHER_API}: another API, not looked at, the first in {other[0].file}"
    for document in documents:
        for rule in sorted(_named(document) - set(IDS)):
            yield f"{document.file}: a comment ignores {rule!r}, and no rule is called that"


def _named(document: Document) -> frozenset[str]:
    return frozenset().union(*document.ignored.values())


def _findings(
    documents: Sequence[Document], options: Options
) -> Iterator[tuple[Document, Finding]]:
    read = tuple(workloads(documents, options))
    context = Context(documents, read, options)
    for workload in read:
        for rule in WORKLOAD_RULES:
            for finding in rule.check(workload, Report(rule.id, workload.document)):
                yield workload.document, finding
    for document in documents:
        for other in DOCUMENT_RULES:
            for finding in other.check(document, context, Report(other.id, document)):
                yield document, finding
