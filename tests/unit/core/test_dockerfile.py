"""The Dockerfile, as far as it can be checked without building it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
Instruction = tuple[str, str]


def _stages() -> dict[str, list[Instruction]]:
    """Instructions by stage; ``""`` holds those before the first."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    stages: dict[str, list[Instruction]] = {"": []}
    name = ""
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            name = rest.split()[-1]
            stages[name] = []
        if word:
            stages[name].append((word, " ".join(rest.split())))
    return stages


def _lineage(stage: str) -> list[Instruction]:
    """The instructions of a stage and of those that it starts from."""
    stages = _stages()
    origin = stages[stage][0][1].split()[0]
    return (_lineage(origin) if origin in stages else []) + stages[stage]


def _ignored_but_for() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    return {line[1:] for line in lines if line.startswith("!")}


@pytest.mark.parametrize("target", ["predictor", "transformer", "controller"])
def test_a_target_runs_as_a_numeric_user_that_is_not_root(target: str) -> None:
    users = [rest for word, rest in _lineage(target) if word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_every_copied_file_is_sent_to_the_build_and_every_stage_exists() -> None:
    stages = _stages()
    for instructions in stages.values():
        for rest in (rest for word, rest in instructions if word == "COPY"):
            source, *words = rest.split()
            if source.startswith("--from="):
                assert source.removeprefix("--from=") in stages
            elif source != ".":
                assert {source, *words[:-1]} <= _ignored_but_for()


def test_what_is_sent_to_the_build_exists_and_holds_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {package.partition("/")[0] for package in packages} <= _ignored_but_for()
    assert all((ROOT / name).exists() for name in _ignored_but_for())


def test_every_extra_that_is_installed_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = re.findall(r"--extra (\w+)", (ROOT / "Dockerfile").read_text())
    assert {"predictor", "cpu", "transformer", "controller"} == set(wanted)
    assert set(wanted) <= set(project["optional-dependencies"])


def test_the_predictor_has_the_libraries_that_vllm_loads() -> None:
    installed = " ".join(rest for word, rest in _lineage("predictor") if word == "RUN")
    assert "libnuma1" in installed
    assert "libgomp1" in installed


def test_uv_is_the_makefiles() -> None:
    (makefile,) = re.findall(r"^UV_VERSION := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"ARG UV_VERSION={makefile}\n" in (ROOT / "Dockerfile").read_text()
