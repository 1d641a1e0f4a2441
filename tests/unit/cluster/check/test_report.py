"""The findings on a screen and as JSON."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from pilotlight_cluster.check.finding import Finding, Level, worst
from pilotlight_cluster.check.report import as_json, show
from tests.unit.cluster.check.healthy import HEALTHY

OK = Finding("a", Level.OK, "First", "there")
WARNING = Finding("b", Level.WARNING, "Second thing", "not there", "It is needed.", ("mend --now",))
ERROR = Finding("c", Level.ERROR, "Third", "broken", "It is needed.", ("mend", "check"))


def printed(*findings: Finding, width: int = 80) -> list[str]:
    screen = StringIO()
    show(HEALTHY, findings, Console(file=screen, width=width))
    return screen.getvalue().splitlines()


def test_a_finding_is_a_line_and_below_it_why_and_what_to_do() -> None:
    assert printed(OK, WARNING) == [
        "https://192.0.2.1:6443, namespace models",
        "✓ First         there",
        "! Second thing  not there",
        "    It is needed.",
        "    mend --now",
        "1 warning. Pilotlight works here.",
    ]


def test_a_command_is_never_broken_into_lines() -> None:
    command = "kubectl patch " + "x" * 200
    assert f"    {command}" in printed(replace(WARNING, mend=(command,)), width=60)


def test_a_long_text_stays_in_its_column() -> None:
    lines = printed(replace(OK, seen="word " * 30), width=60)
    assert all(line.startswith(" " * 9 + "word") for line in lines[2:-1])
    assert len(lines) > 4


def test_square_brackets_are_no_markup() -> None:
    assert "✓ First  [bold]" in printed(replace(OK, seen="[bold]"))


@pytest.mark.parametrize(
    ("findings", "end"),
    [
        ((OK,), "Everything that Pilotlight needs is there."),
        ((OK, ERROR), "1 error. Pilotlight does not work here yet."),
        ((ERROR, WARNING, WARNING), "1 error, 2 warnings. Pilotlight does not work here yet."),
    ],
)
def test_the_last_line_is_the_answer(findings: tuple[Finding, ...], end: str) -> None:
    assert printed(*findings)[-1] == end


def test_the_worst_finding_decides() -> None:
    assert worst([OK, ERROR, WARNING]) is Level.ERROR
    assert worst([OK, WARNING]) is Level.WARNING
    assert worst([]) is Level.OK


def test_json_has_the_same_and_its_keys_stay() -> None:
    assert json.loads(as_json(HEALTHY, [OK, ERROR])) == {
        "server": "https://192.0.2.1:6443",
        "namespace": "models",
        "user": "jane",
        "result": "error",
        "findings": [
            {"id": "a", "level": "ok", "title": "First", "seen": "there", "why": "", "mend": []},
            {
                "id": "c",
                "level": "error",
                "title": "Third",
                "seen": "broken",
                "why": "It is needed.",
                "mend": ["mend", "check"],
            },
        ],
    }
