"""manifests/controller installs all that lies in it."""

from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "manifests" / "controller"
PARTS = sorted(path.parent for path in FOLDER.glob("*/kustomization.yaml"))


def resources(folder: Path) -> set[str]:
    return set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_everything_in_a_parts_folder_is_installed(part: Path) -> None:
    files = {file.name for file in part.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == resources(part)


def test_all_parts_are_installed() -> None:
    files = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files | {"../crds"} | {part.name for part in PARTS} == resources(FOLDER)


def test_all_definitions_are_installed() -> None:
    crds = FOLDER.parent / "crds"
    listed = yaml.safe_load((crds / "Kustomization").read_text())["resources"]
    assert sorted(listed) == sorted(file.name for file in crds.glob("*.yaml"))
