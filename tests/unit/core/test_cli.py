"""The ``pilotlight`` command, as processes: what it imports, says, and returns."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pilotlight

CORE = Path(pilotlight.__file__).parents[1]
HELP_LIMIT_S = 0.6
"""Twice the promise of 0.3 s: the machine may be busy with other tests."""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder with a distribution of its own that adds sub-commands."""
    info = tmp_path / "strange_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[pilotlight.commands]\n"
        "strange = strange_part.command:app\n"
        "bench = needs_more.command:app\n"
    )
    own = tmp_path / "pilotlight-9.dist-info"
    own.mkdir()
    (own / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pilotlight\nVersion: 9\nProvides-Extra: bench\n"
    )
    _module(
        tmp_path,
        "strange_part",
        '''
        """Do strange things."""
        import os, typer
        from pilotlight.errors import ManifestError, OperationError
        if "IMPORTED" in os.environ:
            open(os.environ["IMPORTED"], "w").close()
        app = typer.Typer()
        @app.command()
        def wrong_file(): raise ManifestError("x.yaml: line 3 is odd; straighten it")
        @app.command()
        def broken(): raise OperationError("the pump stopped; start it")
        @app.command()
        def lazy(): import quite_absent.thing
        ''',
    )
    _module(tmp_path, "needs_more", '"""Needs more."""\nimport quite_absent\n')
    return tmp_path


def _module(folder: Path, package: str, source: str) -> None:
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")
    lines = [line.removeprefix("        ") for line in source.strip().splitlines()]
    (folder / package / "command.py").write_text("\n".join(lines) + "\n")


def _run(*args: str, path: Path = CORE, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from pilotlight.cli import main; main()", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{path}:{CORE}", "COLUMNS": "200", **env},
    )


def test_help_is_quick() -> None:
    def seconds() -> float:
        started = time.monotonic()
        assert _run("--help").returncode == 0
        return time.monotonic() - started

    assert min(seconds() for _ in range(5)) < HELP_LIMIT_S


def test_help_lists_a_part_by_its_docstring_without_importing_it(parts: Path) -> None:
    imported = parts / "imported"
    result = _run("--help", path=parts, IMPORTED=str(imported))
    assert result.returncode == 0
    (line,) = (line for line in result.stdout.splitlines() if "strange " in line)
    assert "Do strange things." in line
    assert not imported.exists()
    assert _run("strange", "--help", path=parts, IMPORTED=str(imported)).returncode == 0
    assert imported.exists()


def test_the_version_is_that_of_the_package() -> None:
    assert _run("--version").stdout == f"pilotlight {pilotlight.__version__}\n"


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("wrong-file", 2, "pilotlight: x.yaml: line 3 is odd; straighten it\n"),
        ("broken", 1, "pilotlight: the pump stopped; start it\n"),
    ],
)
def test_an_error_is_its_message_and_an_exit_code(
    parts: Path, command: str, code: int, message: str
) -> None:
    result = _run("strange", command, path=parts)
    assert result.stderr == message
    assert result.returncode == code


def test_a_part_whose_extra_is_missing_says_which_one(parts: Path) -> None:
    at_import = _run("bench", "anything", path=parts)
    assert "quite_absent" in at_import.stderr
    assert "'pilotlight[bench]'" in at_import.stderr
    assert at_import.stderr.count("\n") == 1
    assert at_import.returncode == 2


def test_a_package_that_is_missed_only_when_used_is_named_too(parts: Path) -> None:
    result = _run("strange", "lazy", path=parts)
    assert "quite_absent" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.returncode == 2


def test_an_unknown_command_is_a_usage_error() -> None:
    assert _run("nonsense").returncode == 2
