"""The check's findings, for people and for programs."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from pilotlight_cluster.check.finding import Finding, Level, worst
from pilotlight_cluster.check.observation import Observation

MARKS = {
    Level.OK: ("✓", "green"),
    Level.INFO: ("·", "cyan"),
    Level.WARNING: ("!", "yellow"),
    Level.ERROR: ("✗", "red"),
}


def as_json(seen: Observation, findings: Sequence[Finding]) -> str:
    """The findings as one JSON object; keys and ids stay as they are."""
    return json.dumps(
        {
            "server": seen.server,
            "namespace": seen.namespace,
            "user": seen.user,
            "result": worst(findings).value,
            "findings": [
                {
                    "id": finding.id,
                    "level": finding.level.value,
                    "title": finding.title,
                    "seen": finding.seen,
                    "why": finding.why,
                    "mend": list(finding.mend),
                }
                for finding in findings
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def show(seen: Observation, findings: Sequence[Finding], console: Console) -> None:
    """Print the findings as a list: one line each, and below it why it matters and what to do."""
    console.print(f"{seen.server}, namespace {seen.namespace}", markup=False, highlight=False)
    column = max(len(finding.title) for finding in findings) + 4
    for finding in findings:
        mark, colour = MARKS[finding.level]
        head = Text.assemble((f"{mark} ", colour), finding.title.ljust(column - 2))
        _hang(console, head, Text(finding.seen))
        if finding.why:
            _hang(console, Text(" " * 4), Text(finding.why, "dim"))
        for command in finding.mend:
            # Whole, on however many lines of the screen, so that it can be copied.
            console.print(Text(f"    {command}", colour), soft_wrap=True)
    console.print(_summary(findings), highlight=False)


def _hang(console: Console, head: Text, text: Text) -> None:
    """Print a text beside its head, its further lines under the first."""
    indent = len(head)
    for line in text.wrap(console, max(console.width - indent, 30)):
        console.print(head + line, soft_wrap=True)
        head = Text(" " * indent)


def _summary(findings: Sequence[Finding]) -> str:
    count = {level: sum(finding.level is level for finding in findings) for level in Level}
    errors, warnings = count[Level.ERROR], count[Level.WARNING]
    if not errors and not warnings:
        return "Everything that Pilotlight needs is there."
    parts = [
        f"{number} {word}{'s' if number != 1 else ''}"
        for number, word in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    end = "Pilotlight does not work here yet." if errors else "Pilotlight works here."
    return f"{', '.join(parts)}. {end}"
