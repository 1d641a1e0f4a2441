"""What a benchmark leaves behind."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pilotlight_bench.checkout import results_folder
from pilotlight_bench.machine import Machine, describe_machine
from pilotlight_bench.report import Table, publish
from pilotlight_bench.result import Result, command_line
from pilotlight_bench.versions import describe_versions

MACHINE = Machine(cpu="a CPU", cores=2, memory_gib=24.0, kernel="6.18", load_average=0.1)


@pytest.fixture
def result() -> Result:
    return Result(
        name="example",
        headline={"throughput_ratio": 0.98765, "unknown": None, "impossible": math.inf},
        machine=MACHINE,
        versions={"python": "3.11"},
        command="pilotlight bench run example",
        when=datetime(2026, 11, 21, tzinfo=UTC),
        settings={"seed": 0, "limit_s": math.nan},
        rows=[{"peer": "a", "ttfts_s": [0.1, math.nan]}, {"peer": "b", "ttfts_s": []}],
    )


def test_the_file_is_named_after_the_benchmark_and_is_strict_json(
    result: Result, tmp_path: Path
) -> None:
    path = result.write(tmp_path / "results")
    assert path == tmp_path / "results" / "example.json"

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(path.read_text(), parse_constant=refuse)
    assert list(document) == [
        "name", "headline", "machine", "versions", "command", "when", "settings", "rows",
    ]  # fmt: skip
    assert document["headline"] == {
        "throughput_ratio": 0.98765,
        "unknown": None,
        "impossible": None,
    }
    assert document["machine"]["cores"] == 2
    assert document["rows"] == [
        {"peer": "a", "ttfts_s": [0.1, None]},
        {"peer": "b", "ttfts_s": []},
    ]


def test_each_row_has_a_line_of_its_own(result: Result) -> None:
    assert '\n  {"peer": "a", "ttfts_s": [0.1, null]},\n' in result.to_json()


def test_a_result_without_rows_is_json_too(result: Result) -> None:
    assert json.loads(result.model_copy(update={"rows": []}).to_json())["rows"] == []


def test_a_result_reads_back_as_it_was_written(result: Result) -> None:
    finite = result.model_copy(update={"headline": {"ratio": 0.5}, "settings": {}, "rows": []})
    assert Result.model_validate_json(finite.to_json()) == finite


def test_headline_figures_are_lines_that_scripts_read(result: Result) -> None:
    assert result.lines() == ["throughput_ratio=0.9877", "unknown=nan", "impossible=inf"]


def test_the_output_ends_with_the_headline(
    result: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("Closed loop", ["", "TTFT P50 s"], [["c=1 plain", "0.12"]], note="one round")
    publish(result, [table], tmp_path, as_json=False)
    printed = capsys.readouterr().out
    assert printed.splitlines()[-3:] == result.lines()
    for text in ("Closed loop", "TTFT P50 s", "c=1 plain", "0.12", "one round"):
        assert text in printed


def test_json_output_is_the_file(
    result: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(result, [], tmp_path, as_json=True)
    assert capsys.readouterr().out == (tmp_path / "example.json").read_text()


def test_a_row_with_too_many_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        Table("", ["one"], [["a", "b"]])


def test_the_command_names_no_folder_of_this_machine() -> None:
    argv = ["/opt/env/bin/pilotlight", "bench", "--model", "/data/model", "--trace=/data/t.gz"]
    assert command_line(argv) == "pilotlight bench --model model --trace=t.gz"


def test_the_machine_and_the_versions_are_described() -> None:
    machine = describe_machine()
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert machine.cpu
    assert describe_versions().keys() == {
        "python", "vllm", "torch", "kserve", "pilotlight", "commit",
    }  # fmt: skip


def test_results_go_to_the_checkout_from_any_folder_in_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    inside = tmp_path / "docs" / "deep"
    inside.mkdir(parents=True)
    assert results_folder(inside) == tmp_path / "bench" / "results"
