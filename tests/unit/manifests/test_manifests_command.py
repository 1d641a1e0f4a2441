"""`pilotlight manifests render | schema | crds`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pilotlight.errors import UsageError
from pilotlight_manifests.command import app

SPECS = Path(__file__).parent / "specs"
kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def _build(folder: Path) -> list[dict[str, Any]]:
    built = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


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


@kubectl
@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_the_overlays_build(path: Path, overlay: str, tmp_path: Path) -> None:
    _run("render", str(path), "--kustomize", str(tmp_path))
    built = _build(tmp_path / "overlays" / overlay)
    assert len({item["metadata"]["namespace"] for item in built}) == 1
    assert "InferenceService" in {item["kind"] for item in built}


@kubectl
def test_dev_sleeps_and_production_is_as_specified(tmp_path: Path) -> None:
    _run("render", str(SPECS / "everything.yaml"), "--kustomize", str(tmp_path))
    scale = {}
    for overlay in ("dev", "production"):
        built = {item["kind"]: item for item in _build(tmp_path / "overlays" / overlay)}
        predictor = built["InferenceService"]["spec"]["predictor"]
        scale[overlay] = (predictor["minReplicas"], predictor["maxReplicas"])
        assert ("InferenceRollout" in built) is (overlay == "production")
        assert ("PodDisruptionBudget" in built) is (overlay == "production")
    # Not one replica: Knative refuses a maximum below the activation scale of 2.
    assert scale == {"dev": (0, 2), "production": (0, 8)}


@kubectl
def test_a_cluster_runtime_is_applied_by_itself(tmp_path: Path) -> None:
    _run("render", str(SPECS / "cluster-runtime.yaml"), "--kustomize", str(tmp_path))
    assert [item["kind"] for item in _build(tmp_path / "cluster")] == ["ClusterServingRuntime"]
    kinds = {item["kind"] for item in _build(tmp_path / "overlays/production")}
    assert "ClusterServingRuntime" not in kinds


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
    assert printed == [yaml.safe_load(path.read_text()) for path in sorted(folder.iterdir())]
