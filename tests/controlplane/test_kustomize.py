"""Rendered kustomizations build with kubectl of the pinned version."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pilotlight_manifests.command import app
from tests.controlplane.conftest import Kubectl

pytestmark = pytest.mark.controlplane

SPECS = Path(__file__).parents[1] / "unit" / "manifests" / "specs"


def _run(*arguments: str) -> None:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0


def _build(kubectl: Kubectl, folder: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(kubectl("kustomize", str(folder))))


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_the_overlays_build(kubectl: Kubectl, path: Path, overlay: str, tmp_path: Path) -> None:
    _run("render", str(path), "--kustomize", str(tmp_path))
    built = _build(kubectl, tmp_path / "overlays" / overlay)
    assert len({item["metadata"]["namespace"] for item in built}) == 1
    assert "InferenceService" in {item["kind"] for item in built}


def test_dev_sleeps_and_production_is_as_specified(kubectl: Kubectl, tmp_path: Path) -> None:
    _run("render", str(SPECS / "everything.yaml"), "--kustomize", str(tmp_path))
    scale = {}
    for overlay in ("dev", "production"):
        built = {item["kind"]: item for item in _build(kubectl, tmp_path / "overlays" / overlay)}
        predictor = built["InferenceService"]["spec"]["predictor"]
        scale[overlay] = (predictor["minReplicas"], predictor["maxReplicas"])
        assert ("InferenceRollout" in built) is (overlay == "production")
        assert ("PodDisruptionBudget" in built) is (overlay == "production")
    # Not one replica: Knative refuses a maximum below the activation scale of 2.
    assert scale == {"dev": (0, 2), "production": (0, 8)}


def test_a_cluster_runtime_is_applied_by_itself(kubectl: Kubectl, tmp_path: Path) -> None:
    _run("render", str(SPECS / "cluster-runtime.yaml"), "--kustomize", str(tmp_path))
    assert [item["kind"] for item in _build(kubectl, tmp_path / "cluster")] == [
        "ClusterServingRuntime"
    ]
    kinds = {item["kind"] for item in _build(kubectl, tmp_path / "overlays/production")}
    assert "ClusterServingRuntime" not in kinds
