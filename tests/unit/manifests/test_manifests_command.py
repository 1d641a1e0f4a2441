"""`pilotlight manifests render | schema | crds`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pilotlight.errors import UsageError
from pilotlight_manifests.command import app

SPECS = Path(__file__).parent / "specs"


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_it_prints_what_kubectl_applies() -> None:
    kinds = [item["kind"] for item in yaml.safe_load_all(_run("render", str(SPECS / "cpu.yaml")))]
    assert kinds == ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "InferenceService"]


def test_json_is_the_same_objects() -> None:
    path = str(SPECS / "everything.yaml")
    assert json.loads(_run("render", path, "--json")) == list(
        yaml.safe_load_all(_run("render", path))
    )


def test_each_object_gets_a_file(tmp_path: Path) -> None:
    printed = _run("render", str(SPECS / "smallest.yaml"), "-o", str(tmp_path / "out"))
    files = sorted((tmp_path / "out").iterdir())
    assert sorted(printed.split()) == [str(path) for path in files]
    assert (tmp_path / "out/inferenceservice-chat.yaml").is_file()


def test_one_way_of_writing_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give one of them"):
        _run("render", str(SPECS / "cpu.yaml"), "-o", str(tmp_path), "--kustomize", str(tmp_path))


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match="taken"):
        _run("render", str(SPECS / "cpu.yaml"), "-o", str(tmp_path / "taken"))


def test_a_wrong_file_exits_with_two(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("name: chat\n")
    program = "from pilotlight.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "manifests", "render", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == f"pilotlight: {path}: model: is needed\n"
    assert result.stdout == ""


def test_the_schema_knows_every_field_by_its_yaml_name() -> None:
    schema = json.loads(_run("schema"))
    assert {"name", "model", "warmPool", "canaryTrafficPercent"} <= schema["properties"].keys()
    assert schema["required"] == ["name", "model"]
    assert schema["additionalProperties"] is False


def test_the_crds_are_those_in_the_repository() -> None:
    folder = Path(__file__).parents[3] / "manifests/crds"
    printed = list(yaml.safe_load_all(_run("crds")))
    assert printed == [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
