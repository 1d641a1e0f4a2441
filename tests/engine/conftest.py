"""One predictor for all tests that do not harm it; others start their own with ``launched``."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pilotlight.settings import CacheSettings
from tests.engine.guarded_predictor import GuardedPredictor, guarded
from tests.engine.predictor_process import Predictor, launched

MODEL_VARIABLE = "PILOTLIGHT_TEST_MODEL"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def model() -> Path:
    """The small model's folder, made by ``make model``."""
    default = CacheSettings().directory / "volumes/pilotlight-models/smollm2-135m-instruct"
    folder = Path(os.environ.get(MODEL_VARIABLE, default))
    assert (folder / "config.json").is_file(), f"no model in {folder}: run 'make model'"
    return folder


@pytest.fixture(scope="session")
def predictor(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """A predictor with the default settings."""
    with launched(model, tmp_path_factory.mktemp("predictor")) as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="session")
def guarded_predictor(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedPredictor]:
    """A predictor with an API key, an admin token, adapters, tool calls and little patience."""
    with guarded(model, tmp_path_factory.mktemp("guarded")) as running:
        yield running
