"""Findings for people and for programs."""

import json
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from pilotlight_manifests.lint.finding import Finding, Severity

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "cyan"}


def show(findings: Sequence[Finding], documents: int, console: Console) -> None:
    """One block a finding, and a line that counts them."""
    for finding in findings:
        head = Text(f"{finding.file}:{finding.line}: ")
        head.append(str(finding.severity), STYLES[finding.severity])
        head.append(f" {finding.rule}", "bold")
        head.append(f"  {finding.title}")
        console.print(head, soft_wrap=True)
        for line in (finding.why, f"do: {finding.do}"):
            console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(_count(findings, documents), markup=False, highlight=False, soft_wrap=True)


def dumps(findings: Sequence[Finding], documents: int, notes: Sequence[str]) -> str:
    """The same as one JSON object."""
    return json.dumps(
        {"findings": [f.json() for f in findings], "documents": documents, "notes": list(notes)},
        indent=1,
    )


def _count(findings: Sequence[Finding], documents: int) -> str:
    counts = Counter(finding.severity for finding in findings)
    said = [f"{counts[severity]} {severity}" for severity in Severity if counts[severity]]
    looked = f"{documents} object{'' if documents == 1 else 's'}"
    return f"{looked}: {', '.join(said) if said else 'nothing found'}"
