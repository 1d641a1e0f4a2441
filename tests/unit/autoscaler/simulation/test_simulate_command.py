"""``pilotlight warmpool simulate``: a table, JSON, a picture, and errors in words."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pilotlight.errors import ManifestError, UsageError
from pilotlight_autoscaler.command import app

RUNNER = CliRunner()
POOL = """
apiVersion: pilotlight.dev/v1alpha1
kind: WarmPool
metadata: {name: chat, namespace: models}
spec:
  targetRef: {apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, name: chat}
  prices: {replicaHour: 2, coldStart: 0.5}
"""


@pytest.fixture
def history(tmp_path: Path) -> Path:
    file = tmp_path / "requests.csv"
    rows = [f"{1000 + 300 * number},4" for number in range(8)]
    file.write_text("\n".join(["time,duration", *rows]) + "\n")
    return file


def simulate(*arguments: object) -> str:
    result = RUNNER.invoke(app, ["simulate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_each_policy_has_a_line_of_what_it_came_to(history: Path) -> None:
    lines = simulate("--history", history, "--against", "knative").splitlines()
    assert lines[0] == "8 requests in 0.0 days"
    assert [line.split()[0] for line in lines[1:]] == ["policy", "warm-pool", "knative"]
    assert lines[3].split()[1:6] == ["8", "100.00", "%", "60.0", "s"]


def test_json_has_all_figures_and_the_costs_of_the_spec(history: Path, tmp_path: Path) -> None:
    spec = tmp_path / "pool.yaml"
    spec.write_text(POOL)
    found = json.loads(simulate("--history", history, "--spec", spec, "--json"))
    by_name = {row["policy"]: row for row in found}
    assert by_name["fixed-1"]["affected"] == by_name["clairvoyant"]["affected"] == 0
    assert by_name["knative"]["wakes"] == 8
    cold = by_name["knative"]
    assert cold["cost"] == pytest.approx(2 * cold["replica_hours"] + 0.5 * cold["affected"])


def test_several_starts_are_taken_in_turn(history: Path) -> None:
    arguments = ("--against", "knative", "--cold-start", 10, "--cold-start", 30, "--json")
    found = json.loads(simulate("--history", history, *arguments))
    assert found[1]["wait_s_p95"] == pytest.approx(30.0)
    assert found[1]["wait_s_median"] == pytest.approx(10.0)


def test_a_picture_is_drawn(history: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "course.png"
    assert f"wrote {file}" in simulate("--history", history, "--against", "knative", "--plot", file)
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--against", "best"], "there is no policy 'best'"),
        (["--against", "retention-long"], "needs a time such as"),
        (["--price", "3"], "is not HOUR:WAIT"),
        (["--price=-1:2"], "is not HOUR:WAIT"),
        (["--plot", "course.txt"], "is no picture by its ending"),
        (["--cold-start", "0"], "takes more than no time"),
        (["--client", "7"], "is for a ServeGen trace"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(
    history: Path, arguments: list[str], words: str
) -> None:
    result = RUNNER.invoke(app, ["simulate", "--history", str(history), *arguments])
    assert isinstance(result.exception, UsageError)
    assert words in str(result.exception)


def test_files_that_cannot_be_used_are_named(history: Path, tmp_path: Path) -> None:
    nothing = RUNNER.invoke(app, ["simulate", "--history", str(tmp_path / "gone.csv")])
    assert "there is no file" in str(nothing.exception)
    spec = tmp_path / "pool.yaml"
    for text, words in (("kind: Other", "no WarmPool"), (POOL + "  minReplicas: 5\n", "above")):
        spec.write_text(text)
        result = RUNNER.invoke(app, ["simulate", "--history", str(history), "--spec", str(spec)])
        assert isinstance(result.exception, ManifestError)
        assert words in str(result.exception)
