"""Storage URIs and mount points as directories of this machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight.local.storage import Claims, model_directory, parse_volumes, relocate

PATHS = st.from_regex(r"(/[a-z0-9._-]{1,6}){0,3}", fullmatch=True)


def test_a_claim_lies_in_its_own_directory_or_where_the_user_says(tmp_path: Path) -> None:
    for directory in ("volumes/models/a/b", "elsewhere/a/b"):
        (tmp_path / directory).mkdir(parents=True)
    usual = Claims({}, tmp_path / "volumes")
    moved = Claims({"models": tmp_path / "elsewhere"}, tmp_path / "volumes")
    assert model_directory("pvc://models/a/b", usual) == tmp_path / "volumes/models/a/b"
    assert model_directory("pvc://models/a/b", moved) == tmp_path / "elsewhere/a/b"
    assert model_directory("pvc://models", moved) == tmp_path / "elsewhere"


@pytest.mark.parametrize("uri", ["file://{}", "{}"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, uri: str) -> None:
    directory = tmp_path / "with space"
    directory.mkdir()
    assert model_directory(uri.format(directory), Claims({}, tmp_path)) == directory


@pytest.mark.parametrize("uri", ["s3://bucket/model", "hf://org/model", "oci://x/y", "pvc:///x"])
def test_what_would_be_downloaded_is_refused_with_the_way_out(tmp_path: Path, uri: str) -> None:
    with pytest.raises(ValueError, match="--volume NAME=DIR"):
        model_directory(uri, Claims({}, tmp_path))


def test_a_missing_directory_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{tmp_path}/models/small here.*--volume models=DIR"):
        model_directory("pvc://models/small", Claims({}, tmp_path))


def test_a_claim_cannot_be_left(tmp_path: Path) -> None:
    (tmp_path / "volumes").mkdir()
    with pytest.raises(ValueError, match="leaves its volume"):
        model_directory("pvc://models/../..", Claims({}, tmp_path / "volumes"))


def test_volumes_are_named_directories(tmp_path: Path) -> None:
    assert parse_volumes([f"a={tmp_path}"]) == {"a": tmp_path}


@pytest.mark.parametrize("option", ["a", "a=", "=/tmp", "a=/no/such/directory"])
def test_a_volume_option_of_another_form_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match="--volume"):
        parse_volumes([option])


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("/mnt/models", "/here"),
        ("--model_dir=/mnt/models", "--model_dir=/here"),
        ("/mnt/models/lora/a", "/here/lora/a"),
        ('{"path": "/mnt/models/x", "y": "/mnt/models"}', '{"path": "/here/x", "y": "/here"}'),
        ("/mnt/models2", "/mnt/models2"),
        ("/mnt/models-old/x", "/mnt/models-old/x"),
        ("/data/mnt/models", "/data/mnt/models"),
        ("/mnt/models/cache/k", "/fast/k"),
    ],
)
def test_a_mount_point_moves_wherever_it_stands_as_a_path(text: str, moved: str) -> None:
    mounts = {"/mnt/models": Path("/here"), "/mnt/models/cache/": Path("/fast")}
    assert relocate(text, mounts) == moved


@given(PATHS)
def test_what_lies_under_a_mount_point_keeps_its_relative_path(path: str) -> None:
    assert relocate(f"/mnt/models{path}", {"/mnt/models": Path("/a/b")}) == f"/a/b{path}"


@given(st.text())
def test_without_mounts_nothing_moves(text: str) -> None:
    assert relocate(text, {}) == text
