"""docs/capacity.md says what its own commands print."""

import ast
import json
import operator
import re
import shlex
from collections.abc import Callable
from math import ceil, floor, sqrt
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pilotlight.errors import OperationError
from pilotlight_autoscaler.capacity.profile import Profile
from pilotlight_autoscaler.command import app

TEXT = Path("docs/capacity.md").read_text(encoding="utf-8")
CONSOLES = re.findall(
    r"```console\n\$ pilotlight warmpool (plan(?:.|\\\n)*?)\n(\S.*?)\n```", TEXT, re.DOTALL
)
BASE = re.search(r"All rows: `(--profile [^`]+)`", TEXT)
ROWS = re.findall(r"^\| `(--[^`]+)` \|(.+)\|$", TEXT, re.MULTILINE)
RATIOS = re.findall(r"^\| ([\d.]+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
SUMS = re.findall(r"^\|[^|]+\| `([^`]+)` \| ([\d.,]+) \|$", TEXT, re.MULTILINE)


def run(words: list[str]) -> str:
    try:
        return CliRunner().invoke(app, words, catch_exceptions=False).output.rstrip()
    except OperationError as error:
        return f"pilotlight: {error}"


def test_the_page_has_what_is_checked() -> None:
    assert (len(CONSOLES), len(ROWS), len(RATIOS)) == (3, 4, 4)
    assert len(SUMS) >= 20


@pytest.mark.parametrize(("command", "printed"), CONSOLES)
def test_a_command_prints_what_the_page_shows(command: str, printed: str, tmp_path: Path) -> None:
    words = shlex.split(
        command.replace("\\\n", " ").replace("plan.svg", str(tmp_path / "plan.svg"))
    )
    assert run(words) == printed
    if "--diagram" in words:
        assert (tmp_path / "plan.svg").read_text() == Path("docs/capacity/plan.svg").read_text()


@pytest.mark.parametrize(("options", "cells"), ROWS)
def test_a_row_of_the_table_is_what_the_command_finds(options: str, cells: str) -> None:
    assert BASE is not None
    words = ["plan", *shlex.split(BASE[1]), *shlex.split(options), "--json"]
    each = json.loads(run(words))["plans"][0]
    pooled = json.loads(run([*words, "--queues", "pooled"]))["plans"][0]
    found = (
        f"{each['slots']}",
        f"{each['requests_per_s']:,.0f}",
        f"{each['in_flight']:,.0f}",
        f"{each['replicas']['total']}",
        f"{pooled['replicas']['total']}",
    )
    assert tuple(cell.strip() for cell in cells.split("|")) == found


@pytest.mark.parametrize(("expression", "result"), SUMS)
def test_a_sum_of_the_page_is_right_to_the_last_digit_shown(expression: str, result: str) -> None:
    digits = len(result.partition(".")[2])
    assert f"{calculated(expression):,.{digits}f}" == result


@pytest.mark.parametrize(("ratio", "first", "whole"), RATIOS)
def test_the_replicas_for_another_tail_are_those_of_the_table(
    ratio: str, first: str, whole: str, tmp_path: Path
) -> None:
    assert BASE is not None
    text = Path("docs/capacity/llama-3.1-8b-h100.yaml").read_text()
    assert "ttft: 3.4\n" in text
    profile = tmp_path / "profile.yaml"
    profile.write_text(text.replace("ttft: 3.4\n", f"ttft: {ratio}\n"))
    words = shlex.split(BASE[1])
    words[words.index("--profile") + 1] = str(profile)
    for limit, replicas in (("--ttft-p99", first), ("--e2e-p99", whole)):
        found = json.loads(run(["plan", *words, limit, "2", "--json"]))["plans"][0]
        assert found["replicas"]["total"] == int(replicas)


def test_the_speeds_of_the_profiles_are_differences_of_published_throughputs() -> None:
    published = {"h100": (28312.0, 22714.0, 3450.0)} | {
        "tp2": (6645.12, 6169.58, 772.66),
        "tp4": (11127.53, 11511.93, 1302.6),
        "tp8": (14730.69, 17061.82, 1923.41),
    }
    entries = [
        entry
        for path in Path("docs/capacity").glob("*.yaml")
        for entry in Profile.model_validate(yaml.safe_load(path.read_text())).configurations
    ]
    assert {entry.name for entry in entries} == set(published)
    for entry in entries:
        short, long_answer, long_prompt = published[entry.name]
        prefill = 1920 / (128 / long_prompt - 128 / short)
        decode = 1920 / (2048 / long_answer - 128 / short)
        assert entry.prefill_tokens_per_second == pytest.approx(prefill, rel=1e-3)
        assert entry.decode_tokens_per_second == pytest.approx(decode, rel=1e-3)


def test_the_published_columns_agree_for_200_tokens_and_not_for_others() -> None:
    document = yaml.safe_load(Path("docs/capacity/llama-3.1-8b-h100.yaml").read_text())
    points = document["configurations"][0]["measured"]["points"]
    assert max(_miss(point, 200) for point in points) < 0.013
    assert max(_miss(point, 100) for point in points) > 0.05
    assert max(_miss(point, 300) for point in points) > 0.05


def _miss(point: dict[str, float], output: int) -> float:
    """How far Little's law misses the published throughput for answers of that length."""
    whole_ms = point["ttftMeanMs"] + (output - 1) * point["tpotMeanMs"]
    throughput = point["concurrency"] * output / whole_ms * 1e3
    return abs(throughput / point["outputTokensPerSecond"] - 1)


def calculated(expression: str) -> float:
    """A sum of numbers; ceil, floor and sqrt."""
    return _value(ast.parse(expression, mode="eval").body)


_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, Callable[[float], float]] = {"ceil": ceil, "floor": floor, "sqrt": sqrt}


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _FUNCTIONS[node.func.id](_value(node.args[0]))
