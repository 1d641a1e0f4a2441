"""A running server loses its step ``auth`` to no change of its file."""

import logging
from pathlib import Path

import pytest

from pilotlight_transformer.pipeline.configuration import Configuration
from pilotlight_transformer.reload import PipelineFile

WITH = "pipeline: [auth, feedback]\n"


@pytest.mark.parametrize("left", ["", "pipeline:\n", "pipeline: [feedback]\n"])
async def test_a_file_that_is_read_half_written_opens_nothing(
    left: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, used = tmp_path / "pipeline.yaml", list[Configuration]()

    async def use(configuration: Configuration) -> None:
        used.append(configuration)

    path.write_text(WITH)
    file = PipelineFile(path, use)
    await file.load()
    path.write_text(left)
    with caplog.at_level(logging.ERROR):
        await file.look()
        await file.look()
    assert len(used) == 1
    assert "has no step auth any more" in caplog.text
    path.write_text("pipeline: [auth]\n")
    await file.look()
    await file.look()
    assert [len(configuration.steps) for configuration in used] == [2, 1]


async def test_a_server_without_auth_may_get_one(tmp_path: Path) -> None:
    path, used = tmp_path / "pipeline.yaml", list[Configuration]()

    async def use(configuration: Configuration) -> None:
        used.append(configuration)

    path.write_text("pipeline: [feedback]\n")
    file = PipelineFile(path, use)
    await file.load()
    for text in ("", WITH):
        path.write_text(text)
        await file.look()
        await file.look()
    assert [len(configuration.steps) for configuration in used] == [1, 0, 2]


async def test_a_change_is_taken_when_two_looks_find_the_same(tmp_path: Path) -> None:
    path, used = tmp_path / "pipeline.yaml", list[Configuration]()

    async def use(configuration: Configuration) -> None:
        used.append(configuration)

    path.write_text("pipeline: [audit, auth, feedback]\n")
    file = PipelineFile(path, use)
    await file.load()
    path.write_text("pipeline: [auth")
    await file.look()
    path.write_text("pipeline: [auth, feedback]\n")
    await file.look()
    assert len(used) == 1
    await file.look()
    assert [len(configuration.steps) for configuration in used] == [3, 2]
