"""`pilotlight warmpool plan` on the command line."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pilotlight.errors import OperationError, UsageError
from pilotlight_autoscaler.command import app

PROFILE = "docs/capacity/llama-3.1-8b-h100.yaml"
ASKED = ["plan", "--profile", PROFILE, "--prompt-tokens", "500", "--output-tokens", "200"]


def run(*words: str) -> str:
    result = CliRunner().invoke(app, [*ASKED, *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_json_and_text_say_the_same_number() -> None:
    words = ("--users", "10000", "--ttft-p99", "2")
    found = json.loads(run(*words, "--json"))["plans"][0]
    assert f"{found['replicas']['for_variability']} " in run(*words)
    assert found["in_flight"] == pytest.approx(10_000)
    assert found["gpus"] == found["replicas"]["total"]


def test_the_manifests_are_yaml_alone() -> None:
    service, pool = yaml.safe_load_all(run("--rate", "100", "--e2e-p99", "3", "--manifests"))
    assert (service["kind"], pool["kind"]) == ("InferenceService", "WarmPool")


def test_the_diagram_holds_the_number_of_replicas(tmp_path: Path) -> None:
    path = tmp_path / "plan.svg"
    words = ("--rate", "100", "--e2e-p99", "3")
    total = json.loads(run(*words, "--json", "--diagram", str(path)))["plans"][0]["replicas"][
        "total"
    ]
    assert f"{total} replicas" in path.read_text()


def test_price_and_start_on_the_command_line_are_taken() -> None:
    words = ("--rate", "100", "--ttft-p99", "2", "--price", "5", "--start-seconds", "40")
    found = json.loads(run(*words, "--json"))["plans"][0]
    assert found["price_per_hour"] == 5 * found["gpus"]
    assert found["replicas"]["horizon_s"] == 72


def test_lengths_are_as_measured_if_none_are_given() -> None:
    words = ["plan", "--profile", PROFILE, "--rate", "10", "--ttft-p99", "1", "--json"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert not any("converted" in note for note in json.loads(result.output)["plans"][0]["notes"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ttft-p99", "2"], "give --users"),
        (["--ttft-p99", "2", "--users", "5", "--rate", "5"], "give --users"),
        (["--ttft-p99", "2", "--rate", "5", "--think-time", "5"], "--think-time belongs"),
        (["--rate", "5"], '"P99 under 2 s" can mean the first or the second'),
        (["--ttft-p99", "2", "--rate", "5", "--configuration", "a100"], "it has h100"),
        (["--ttft-p99", "2", "--rate", "5", "--queues", "none"], "it is one of each, pooled"),
        (["--ttft-p99", "2", "--rate", "5", "--diagram", "/nowhere/a.svg"], "cannot be written"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(app, [*ASKED, *words], catch_exceptions=False)


def test_a_limit_that_nothing_keeps_is_a_failure() -> None:
    with pytest.raises(OperationError, match="the closest is"):
        CliRunner().invoke(
            app, [*ASKED, "--rate", "5", "--tpot-p99", "0.001"], catch_exceptions=False
        )
