"""The offline gate tells a model from one that answers nonsense, and from nothing but itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pilotlight.api.rollout_status import TaskState
from pilotlight_canary.gate import run_offline_gate, run_warm_up
from tests.e2e.nonsense_model import write_nonsense_model
from tests.engine.predictor_process import Predictor, launched
from tests.unit.canary.gate.conftest import Shelf, subject

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}},
    "required": ["city"],
    "additionalProperties": False,
}
QUESTION = {"role": "user", "content": "What is the capital of France?"}
GOLDEN = (
    {"prompt": "The capital of France is", "max_tokens": 8},
    {"prompt": "1, 1, 2, 3, 5, 8, 13,", "max_tokens": 8},
    {"prompt": "Water boils at", "max_tokens": 8},
    {"messages": [QUESTION], "max_tokens": 12},
    {
        "messages": [QUESTION],
        "max_tokens": 40,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "city", "schema": SCHEMA},
        },
    },
)
POLICY: dict[str, Any] = {
    "warmUp": {"prompts": {"name": "golden", "key": "a"}},
    "offlineGate": {"prompts": {"name": "golden", "key": "a"}, "maxLogprobDrift": 0.1},
}


@pytest.fixture(scope="module")
def nonsense(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """A predictor whose model has the same weights at other places."""
    folder = write_nonsense_model(model, tmp_path_factory.mktemp("nonsense") / model.name)
    with launched(folder, tmp_path_factory.mktemp("log")) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def golden() -> Shelf:
    shelf = Shelf()
    shelf.put("ConfigMap", "golden", a="\n".join(json.dumps(line) for line in GOLDEN))
    return shelf


async def test_a_model_passes_against_itself(predictor: Predictor, golden: Shelf) -> None:
    itself = subject(predictor.url, predictor.url, **POLICY)
    warm = await run_warm_up(itself, golden)
    assert warm.message.startswith("5 of 5 warm-up requests were answered")
    result = await run_offline_gate(itself, golden)
    assert result.state == TaskState.PASSED, result.message
    assert "0 of 5 answers differ (exact)" in result.message
    assert "nats over" in result.message


async def test_a_model_of_shuffled_weights_is_refused(
    predictor: Predictor, nonsense: Predictor, golden: Shelf
) -> None:
    result = await run_offline_gate(subject(predictor.url, nonsense.url, **POLICY), golden)
    assert result.state == TaskState.REFUSED, result.message
    assert "5 of 5 answers differ" in result.message or "4 of 5 answers differ" in result.message
    assert "maxLogprobDrift is 0.1" in result.message
