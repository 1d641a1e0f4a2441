"""The CRD files, and that they say what the types say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotlight.api.crd import KINDS, Kind, crd
from pilotlight_manifests.render.document import dump

CRDS = Path(__file__).parents[3] / "manifests/crds"
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def _nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _nodes(schema[key], f"{path}.{key}")


def _schema(kind: Kind) -> dict[str, Any]:
    version = crd(kind)["spec"]["versions"][0]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


@kinds
def test_the_files_are_in_step_with_the_types(kind: Kind) -> None:
    """Update them with: pilotlight manifests crds -o manifests/crds"""
    assert (CRDS / f"{kind.crd_name}.yaml").read_text() == dump(crd(kind))


def test_there_is_no_other_crd_file() -> None:
    assert {path.stem for path in CRDS.glob("*.yaml")} == {kind.crd_name for kind in KINDS}


@kinds
def test_the_schema_is_structural(kind: Kind) -> None:
    foreign = {"$ref", "anyOf", "oneOf", "allOf", "$defs", "title", "const"}
    for path, node in _nodes(_schema(kind)):
        assert not foreign & node.keys(), path
        assert isinstance(node.get("type"), str), path
        assert node.get("additionalProperties") is not False, path
        assert isinstance(node.get("exclusiveMinimum", True), bool), path
        assert "default" not in node or node["default"] is not None, path


@kinds
def test_a_status_has_no_defaults(kind: Kind) -> None:
    status = _schema(kind)["properties"]["status"]
    assert [path for path, node in _nodes(status) if "default" in node] == []


@kinds
def test_the_entries_of_a_keyed_list_have_their_key(kind: Kind) -> None:
    keyed = {path: node for path, node in _nodes(_schema(kind)) if "x-kubernetes-list-type" in node}
    assert keyed.keys() == {f".{path}" for path, _ in kind.keyed_lists}
    for path, key in kind.keyed_lists:
        node = keyed[f".{path}"]
        assert node["x-kubernetes-list-map-keys"] == [key]
        assert key in node["items"]["required"]


def test_the_checks_of_a_rollout_are_there_once() -> None:
    analysis = _schema(KINDS[0])["properties"]["spec"]["properties"]["analysis"]
    assert analysis["properties"]["metrics"]["x-kubernetes-list-map-keys"] == ["name"]


@kinds
def test_every_column_shows_a_field_that_exists(kind: Kind) -> None:
    for column in kind.columns:
        node = _schema(kind)
        names = column.path.removeprefix(".").split(".")
        if names[0] == "metadata":
            continue
        for name in names:
            node = node["properties"][name]
        assert node["type"] == column.type


@kinds
def test_the_names_are_those_that_people_type(kind: Kind) -> None:
    document = yaml.safe_load((CRDS / f"{kind.crd_name}.yaml").read_text())
    assert document["metadata"]["name"] == f"{kind.name.lower()}s.pilotlight.dev"
    assert document["spec"]["names"]["shortNames"] == [kind.short]
    assert document["spec"]["versions"][0]["subresources"] == {"status": {}}
